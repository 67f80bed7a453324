/** Where the tour is: a program of its own, which starts others beside itself, and stays outside of the bundle. */
export const tour = new URL('../demo/tour.js', import.meta.url);
