// @ts-check
/** A process that holds many members, or many sockets, and measures one more beside them. */

import { SocketManager } from 'sockref';
import { answer } from '../../labs/lib/child.mjs';
import { Handle } from '../lib/handle.mjs';
import { inTurns } from '../lib/in-turns.mjs';
import { timed } from '../lib/measure.mjs';
import { hangUp } from '../lib/net.mjs';

/** Operations between two looks at the clock. */
const batch = 1000;
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
    const [path = ''] = pathsIn(directory);
    return repeat(first, () => manager.getExisting(path)?.close());
  },
  lookUpAll: ({ directory, first }) => inTurn(first, directory, (path) => void manager.getExisting(path)?.close()),
  floorOfAll: ({ directory, first }) => {
    const map = new Map(pathsIn(directory).map((path) => [path, { count: 0 }]));
    return inTurn(first, directory, (path) => {
      const entry = map.get(path);
      if (entry) new Handle(entry).close();
    });
  },
  joinAndLeave: ({ path, first }) => timed(async () => (await manager.acquire(path)).close(), 1, first),
  end: async () => {
    await Promise.all([manager, ...members].map((each) => each.close()));
  },
});

/** Strings that are there already: to put them together would cost more than to look them up. @param {string} directory */
function pathsIn(directory) {
  return Array.from({ length: sockets }, (_, index) => `${directory}/${index}.sock`);
}

/**
 * One call for each socket, one after the other, over and over.
 *
 * @param {boolean} first
 * @param {string} directory
 * @param {(path: string) => void} call
 */
function inTurn(first, directory, call) {
  const paths = pathsIn(directory);
  let next = 0;
  return repeat(first, () => {
    next = (next + 1) % paths.length;
    call(/** @type {string} */ (paths[next]));
  });
}

/** @param {boolean} first @param {() => unknown} call */
function repeat(first, call) {
  return timed(
    () => {
      for (let i = 0; i < batch; i++) void call();
    },
    batch,
    first,
  );
}
