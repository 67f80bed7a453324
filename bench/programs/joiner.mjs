// @ts-check
/** A process that runs already, and joins a socket that another one serves. */

import { once } from 'node:events';
import lockfile from 'proper-lockfile';
import { SocketManager } from 'sockref';
import { answer } from '../../labs/lib/child.mjs';
import { timed } from '../lib/measure.mjs';
import { connected, hangUp } from '../lib/net.mjs';

const manager = new SocketManager();

/** @type {Record<string, (path: string) => Promise<void>>} */
const ways = {
  join: async (path) => (await manager.acquire(path)).close(),
  joinAsPossibleOwner: async (path) => (await manager.acquire(path, { serve: hangUp })).close(),
  roundTrip: (path) => visit(path, 1),
  twoRoundTrips: (path) => visit(path, 2),
  lock: async (path) => (await lockfile.lock(path, { realpath: false }))(),
};

/**
 * @param {string} path
 * @param {number} times that something goes there and back
 */
async function visit(path, times) {
  const socket = await connected(path);
  for (let time = 0; time < times; time++) {
    socket.write('hello\n');
    await once(socket, 'data');
  }
  socket.destroy();
  await once(socket, 'close');
}

answer({
  /** @param {{way: string, path: string, first: boolean}} what */
  measure: ({ way, path, first }) => {
    const run = /** @type {(path: string) => Promise<void>} */ (ways[way]);
    return timed(() => run(path), 1, first);
  },
});
