// @ts-check
import { once } from 'node:events';
import { createServer } from 'node:net';
import { SocketManager } from 'sockref';

/**
 * A socket that starts with its first reference and stops with its last.
 *
 * @param {string} directory
 */
export async function cycle(directory) {
  const manager = new SocketManager();
  /** @param {import('node:net').Socket} socket */
  const serve = (socket) => void socket.end();
  return {
    title: 'First reference and last',
    words:
      'From no file to a served socket with its lock, record and control socket, and back to an empty directory. The floor is ' +
      "`net.Server`'s `listen` and `close`: one socket, no lock, no count, a mode that is set too late.",
    groups: [
      {
        floor: {
          name: '`listen` + `close`',
          batch: 1,
          run: async () => {
            const server = createServer(serve).listen(`${directory}/floor.sock`);
            await once(server, 'listening');
            server.close();
            await once(server, 'close');
          },
        },
        ours: [
          {
            name: 'first `acquire` + last `close`',
            batch: 1,
            run: async () => (await manager.acquire(`${directory}/cycle.sock`, { serve })).close(),
          },
        ],
      },
    ],
    end: () => manager.close(),
  };
}
