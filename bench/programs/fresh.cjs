// @ts-check
/** Joins a socket and leaves it, in CommonJS: `fresh.cjs <path>`. */

const { acquire } = require('sockref');

void acquire(process.argv[2]).then((reference) => reference.close());
