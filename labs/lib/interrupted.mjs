/**
 * Makes a lab end through `process.exit` when it is interrupted, so that its exit handlers run. Importing this is
 * enough.
 */

for (const signal of /** @type {const} */ (['SIGHUP', 'SIGINT', 'SIGTERM'])) process.on(signal, () => process.exit(1));
