/**
 * A lab that is told to end does so by way of `process.exit`, so that what is to be done at its exit is done; importing this is enough.
 */

for (const signal of /** @type {const} */ (['SIGHUP', 'SIGINT', 'SIGTERM'])) process.on(signal, () => process.exit(1));
