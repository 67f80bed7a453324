// @ts-check
/** A process that tells numbers, or is told: an owner and its members, or a bare server and its connections. */

import { once } from 'node:events';
import net from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { SocketManager } from 'sockref';
import { answer } from '../../labs/lib/child.mjs';
import { inTurns } from '../lib/in-turns.mjs';
import { hangUp } from '../lib/net.mjs';

/** @import { SocketReference } from 'sockref' */

/** Milliseconds between two looks at what was told. */
const lookEveryMs = 1;

const limits = { maxMembersPerSocket: 10_000, maxReferencesPerSocket: 100_000 };
/** @type {SocketManager[]} */
const managers = [];
/** @type {SocketReference[]} */
const references = [];
/** @type {SocketReference | undefined} */
let extra;

/** @type {net.Server | undefined} */
let server;
/** @type {net.Socket[]} */
const connections = [];
/** The last number on each connection. @type {number[]} */
const heard = [];

answer({
  own: async (path) => void references.push(await manager().acquire(path, { serve: hangUp })),
  join: ({ path, count }) => inTurns(count, async () => void references.push(await manager().acquire(path))),
  listen: async (path) => {
    server = net.createServer((socket) => {
      connections.push(socket);
      tell(socket, 0);
    });
    server.listen(path);
    await once(server, 'listening');
  },
  connect: ({ path, count }) =>
    inTurns(count, async () => {
      const socket = net.connect(path);
      const index = heard.push(0) - 1;
      connections.push(socket);
      const lines = createInterface(socket);
      lines.on('line', (line) => {
        heard[index] = JSON.parse(line).total;
      });
      // Until it is accepted: connecting is faster, and would fill the server's queue.
      await once(lines, 'line');
    }),
  /** Makes the number so large, and answers how long the loop was away. */
  change: async (number) => {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    if (server) for (const socket of connections) tell(socket, number);
    else if (extra) extra = void extra.close();
    else extra = references[0]?.clone();
    // As long as 3,000 members take.
    await pause(200);
    delay.disable();
    return delay.percentile(99) / 1e6;
  },
  /** Resolves when all members here know the number. */
  known: async (number) => {
    while (
      !(references.every(({ referenceCount }) => referenceCount === number) && heard.every((each) => each === number))
    )
      await pause(lookEveryMs);
  },
  end: async () => {
    for (const socket of connections) socket.destroy();
    server?.close();
    await Promise.all(managers.map((each) => each.close()));
  },
});

/** @param {net.Socket} socket @param {number} total */
function tell(socket, total) {
  socket.write(`${JSON.stringify({ type: 'count', total })}\n`);
}

function manager() {
  const made = new SocketManager({ limits });
  managers.push(made);
  return made;
}
