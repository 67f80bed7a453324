/** The version of this code. It stands here too, and not only in package.json, since a bundle that contains us must know it. */
export const version = '0.1.0';
