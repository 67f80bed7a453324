/** The version of this code. It is here as well as in package.json, because a bundle that contains us must know it. */
export const version = '0.1.0';
