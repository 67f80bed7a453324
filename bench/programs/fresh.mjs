// @ts-check
/** Takes a reference and closes it, as an ES module: `fresh.mjs join|serve <path>`. With `serve` it prints how many milliseconds the acquire took. */

import { acquire } from 'sockref';

const [what, path] = process.argv.slice(2);
const began = performance.now();
const reference = await acquire(path, what === 'serve' ? { serve: (socket) => void socket.end() } : {});
const took = performance.now() - began;
await reference.close();
if (what === 'serve') console.log(took);
