import type { Socket } from 'node:net';
import { errnoOf } from '../errors/system.js';

/** No server listens, the file was removed, or (EAGAIN) the accept queue is full. */
const away = new Set(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EAGAIN', 'EPIPE', 'ENOTSOCK']);

/** Whether a connection failed because of the other end, and not because of this process. */
export function isAway(error: unknown): boolean {
  return away.has(errnoOf(error) ?? '');
}

/**
 * Resolves when a socket is connected, rejects with the reason if it cannot be. The kernel connects or refuses a Unix
 * socket at once, so nothing has to be aborted.
 */
export function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve();
    });
  });
}
