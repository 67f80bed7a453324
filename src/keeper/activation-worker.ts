import { createServer } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { socketBacklog } from '../protocol/constants.js';
import type { HeldSocketAnswer, HeldSocketData } from './activation.js';

const { path, cell } = workerData as HeldSocketData;
const say = (answer: HeldSocketAnswer): void => parentPort?.postMessage(answer);

const server = createServer();
server.once('error', ({ message, ...fields }) => say({ failed: { message, ...fields } }));
server.listen({ path, backlog: socketBacklog, exclusive: true }, () => {
  // Nothing public tells the descriptor; what is passed on by the public ways is taken from this process.
  say({ fd: (server as unknown as { _handle: { fd: number } })._handle.fd });
  // In the very tick in which it listens: the loop has no chance to accept, now and until it is closed.
  Atomics.wait(cell, 0, 0);
  server.close();
});
