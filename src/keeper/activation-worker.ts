import { createServer } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { socketBacklog } from '../protocol/constants.js';
import type { HeldSocketAnswer, HeldSocketData } from './activation.js';

const { path, cell } = workerData as HeldSocketData;
const say = (answer: HeldSocketAnswer): void => parentPort?.postMessage(answer);

const server = createServer();
server.once('error', ({ message, ...fields }) => say({ failed: { message, ...fields } }));
server.listen({ path, backlog: socketBacklog, exclusive: true }, () => {
  // No public API tells the descriptor, and the public ways to pass a handle on take it from this process.
  say({ fd: (server as unknown as { _handle: { fd: number } })._handle.fd });
  // In the same tick in which it listens, so that the event loop cannot accept, now or until it is closed.
  Atomics.wait(cell, 0, 0);
  server.close();
});
