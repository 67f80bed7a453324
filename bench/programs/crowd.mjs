// @ts-check
/** A process that holds many members, or many sockets, and measures one more beside them. */

import { SocketManager } from 'sockref';
import { answer } from '../../labs/lib/child.mjs';
import { timed } from '../lib/measure.mjs';
import { hangUp } from '../lib/net.mjs';

/** How many are begun at once. */
const atOnce = 50;

const many = 1_000_000;
const limits = { maxSockets: many, maxMembersPerSocket: many, maxReferencesPerSocket: many * 10 };
const manager = new SocketManager({ limits });
/** @type {SocketManager[]} */
const members = [];
/** One that is dropped is released once it is collected. @type {import('sockref').SocketReference[]} */
const held = [];
let sockets = 0;

answer({
  own: async (path) => void held.push(await manager.acquire(path, { serve: hangUp })),
  join: async ({ path, count }) => {
    await inTurns(count, async () => {
      const own = new SocketManager({ limits });
      held.push(await own.acquire(path));
      members.push(own);
    });
  },
  serve: async ({ directory, count }) => {
    await inTurns(count, async () => {
      held.push(await manager.acquire(`${directory}/${sockets++}.sock`, { serve: hangUp }));
    });
  },
  cycle: ({ directory, first }) =>
    timed(async () => (await manager.acquire(`${directory}/one-more.sock`, { serve: hangUp })).close(), 1, first),
  lookUp: ({ directory, first }) => {
    // As strings that are there already: to put them together would cost more than to look them up.
    const paths = Array.from({ length: sockets }, (_, index) => `${directory}/${index}.sock`);
    let next = 0;
    return timed(
      () => {
        for (let i = 0; i < 1000; i++) {
          next = (next + 1) % sockets;
          void manager.getExisting(/** @type {string} */ (paths[next]))?.close();
        }
      },
      1000,
      first,
    );
  },
  joinAndLeave: ({ path, first }) => timed(async () => (await manager.acquire(path)).close(), 1, first),
  end: async () => {
    await Promise.all([manager, ...members].map((each) => each.close()));
  },
});

/**
 * @param {number} count
 * @param {() => Promise<void>} work
 */
async function inTurns(count, work) {
  let left = count;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) await work();
    }),
  );
}
