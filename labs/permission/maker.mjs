/** Makes a socket and removes it again, as fast as it can, with a umask that protects nothing. */

import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { createServer } from 'node:net';
import { acquire } from 'sockref';
import { answer } from '../lib/child.mjs';
import { sayWho } from '../lib/identity.mjs';

process.umask(0);

/** @type {Record<string, (path: string) => Promise<void>>} */
const recipes = {
  sockref: (path) => share(path, 0o600),
  // As most programs do it: the file is open to all users before it is closed to them.
  'listen, then chmod': async (path) => {
    const server = createServer(sayWho);
    server.listen({ path });
    await once(server, 'listening');
    chmodSync(path, 0o600);
    await rest();
    server.close();
    await once(server, 'close');
  },
  'sockref, mode 0666': (path) => share(path, 0o666),
};

answer({
  make: async ({ recipe, path, cycles }) => {
    for (let cycle = 0; cycle < cycles; cycle++) await recipes[recipe]?.(path);
  },
});

/**
 * @param {string} path
 * @param {number} mode
 */
async function share(path, mode) {
  const reference = await acquire(path, { serve: sayWho, mode });
  await rest();
  await reference.close();
}

/** Keeps the socket for some turns of the event loop, so that clients have a chance to connect. */
async function rest() {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
