// @ts-check
import { once } from 'node:events';
import { connect } from 'node:net';
import { SocketManager } from 'sockref';
import { startProgram } from '../lib/child.mjs';
import { measure, repeated } from '../lib/measure.mjs';
import { ratio } from '../lib/targets.mjs';

/** @import { Row } from '../lib/types.mjs' */

/** Connections that are open at once: enough that the server always has something to accept. */
const atOnce = 8;

/** @type {Row} */
export const connections = {
  id: 'connections',
  title: 'Connections to a served socket',
  words:
    'How many connections a server accepts in a second when it ends each one at once. Ours is a handler that was passed as ' +
    '`serve`; the *floor* is the same handler on a bare `net.Server` in the same process. The library counts connections, listens ' +
    'for errors that the handler does not handle, and knows which connections are open, so that it can let them drain. The second ' +
    'table shows the side of a client.',
  run: async ({ memory, choose }) => {
    const ours = `${memory}/connections.sock`;
    const bare = `${memory}/bare.sock`;
    const server = await startProgram('server');
    await server.ask('hangUp', { ours, bare });
    const manager = new SocketManager();
    const reference = await manager.acquire(ours);
    const count = choose(400, 100);
    const accepting = await measure({
      name: 'taken by a server',
      unit: 'connections/s',
      rounds: choose(40, 9),
      contenders: [
        { role: 'floor', name: 'bare `net.Server`', sample: async () => [await knock(bare, count)] },
        { role: 'ours', name: 'served socket', sample: async () => [await knock(ours, count)] },
      ],
      targets: [ratio('accepting', 'floor', 0.95, { says: 'at least 0.95 of a bare server', must: 'at least' })],
    });
    const connecting = await measure({
      name: 'made by a client',
      unit: 'µs',
      rounds: choose(20, 3),
      contenders: [
        repeated('floor', '`net.connect` until it is closed', () => visit(async () => connect({ path: ours }))),
        repeated('beside', '`reference.connect()` until it is closed', () => visit(() => reference.connect())),
      ],
    });
    await manager.close();
    await server.ask('end');
    await server.end();
    return [accepting, connecting];
  },
};

/**
 * @param {string} path
 * @param {number} count
 */
async function knock(path, count) {
  const began = performance.now();
  let left = count;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) await visit(async () => connect({ path }));
    }),
  );
  return count / ((performance.now() - began) / 1000);
}

/** @param {() => Promise<import('node:net').Socket>} open */
async function visit(open) {
  const socket = await open();
  socket.resume();
  await once(socket, 'close');
}
