import type { Socket } from 'node:net';
import { errnoOf } from '../errors/system.js';

/** Nobody listens, the file went, or (EAGAIN) more knock than the queue takes. */
const away = new Set(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EAGAIN', 'EPIPE', 'ENOTSOCK']);

/** Whether a connection failed because of who is at its other end, and not for a want of ours. */
export function isAway(error: unknown): boolean {
  return away.has(errnoOf(error) ?? '');
}

/**
 * Resolves when a socket is connected, rejects with why it is not. A connection to a Unix socket is made or refused at
 * once, so there is nothing to abort.
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
