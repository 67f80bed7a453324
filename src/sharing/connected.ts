import type { Socket } from 'node:net';

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
