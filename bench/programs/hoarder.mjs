// @ts-check
/** A process that holds many things of one kind, and says what they cost it in memory. */

import { once } from 'node:events';
import { openSync } from 'node:fs';
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SocketManager } from 'sockref';
import { answer } from '../../labs/lib/child.mjs';
import { Handle } from '../lib/handle.mjs';
import { hangUp, listen } from '../lib/net.mjs';

setFlagsFromString('--expose-gc');
/** @type {() => void} */
const gc = runInNewContext('gc');

/** What is held, so that it is not collected. @type {unknown[]} */
const held = [];
/** Connections to the bare server, which are read as those of members are. @type {import('node:net').Socket[]} */
const accepted = [];

/** @param {import('node:net').Socket} socket */
function read(socket) {
  accepted.push(socket);
  socket.on('data', () => {});
}

const limits = { maxSockets: 10_000, maxReferencesPerSocket: 10_000_000, maxMembersPerSocket: 10_000 };
const manager = new SocketManager({ limits });

/** Each takes so many of its kind in a directory. @type {Record<string, (directory: string, count: number) => Promise<void>>} */
const kinds = {
  reference: async (directory, count) => {
    const first = await manager.acquire(`${directory}/references.sock`, { serve: hangUp });
    for (let i = 0; i < count; i++) held.push(first.clone());
  },
  handle: async (_, count) => {
    const entry = { count: 0 };
    for (let i = 0; i < count; i++) held.push(new Handle(entry));
  },
  socket: async (directory, count) => {
    for (let i = 0; i < count; i++) held.push(await manager.acquire(`${directory}/${i}.sock`, { serve: hangUp }));
  },
  // What an endpoint is made of: two listeners and an open file.
  listeners: async (directory, count) => {
    for (let i = 0; i < count; i++) {
      held.push(await listen(`${directory}/${i}.a`, hangUp), await listen(`${directory}/${i}.b`, hangUp));
      openSync(`${directory}/${i}.c`, 'w');
    }
  },
  member: async (directory, count) => {
    for (let i = 0; i < count; i++) {
      const own = new SocketManager({ limits });
      held.push(own, await own.acquire(`${directory}/owner.sock`, { serve: hangUp }));
    }
  },
  connection: async (directory, count) => {
    for (let i = 0; i < count; i++) {
      const socket = connect({ path: `${directory}/bare.sock` });
      await once(socket, 'connect');
      read(socket);
    }
  },
};

answer({
  memory: () => memory(),
  // Be ready for members, and for bare connections.
  own: async (directory) => {
    held.push(await manager.acquire(`${directory}/owner.sock`, { serve: hangUp }));
    held.push(await listen(`${directory}/bare.sock`, read));
  },
  hoard: async ({ directory, kind, count }) => {
    const take = /** @type {(directory: string, count: number) => Promise<void>} */ (kinds[kind]);
    const before = memory();
    await take(directory, count);
    const after = memory();
    return { heap: (after.heap - before.heap) / count, rss: (after.rss - before.rss) / count };
  },
});

function memory() {
  gc();
  gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}
