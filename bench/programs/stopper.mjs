// @ts-check
/** A process that serves many sockets, and ends all of them at once. */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { SocketManager } from 'sockref';
import { answer } from '../../labs/lib/child.mjs';
import { hangUp } from '../lib/net.mjs';

/** One that is dropped is released once it is collected. @type {import('sockref').SocketReference[]} */
const held = [];
/** How many sockets are started at once. */
const batch = 100;
/** Milliseconds between two looks at the loop: the least that there is. */
const resolution = 1;

answer({
  stop: async ({ directory, sockets }) => {
    const manager = new SocketManager({ limits: { maxSockets: sockets } });
    for (let at = 0; at < sockets; at += batch) {
      const some = Array.from(
        { length: Math.min(batch, sockets - at) },
        (_, index) => `${directory}/${at + index}.sock`,
      );
      held.push(...(await Promise.all(some.map((path) => manager.acquire(path, { serve: hangUp })))));
    }
    const delay = monitorEventLoopDelay({ resolution });
    delay.enable();
    const began = performance.now();
    await manager.cleanupAllSockets();
    const ms = performance.now() - began;
    delay.disable();
    return { ms, p50: delay.percentile(50) / 1e6, p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 };
  },
});
