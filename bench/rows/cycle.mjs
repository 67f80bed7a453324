// @ts-check
import { once } from 'node:events';
import { createServer } from 'node:net';
import { SocketManager } from 'sockref';

/**
 * A socket that starts with its first reference and stops with its last.
 *
 * @param {string} disk - a directory on a disk
 * @param {string} memory - a directory in memory, as the default directory is where there is a user session
 */
export async function cycle(disk, memory) {
  const manager = new SocketManager();
  return {
    title: 'First reference and last',
    words:
      'From no file to a served socket with its lock, record and control socket, and back to an empty directory. The floor is ' +
      "`net.Server`'s `listen` and `close`: one socket, no lock, no count, a mode that is set too late. In a runtime directory, which is in memory, and on a disk, where each removed file waits for " +
      'the journal of the file system.',
    groups: [
      { ...group(manager, memory), note: 'in memory' },
      { ...group(manager, disk), note: 'on disk' },
    ],
    end: () => manager.close(),
  };
}

/** @param {import('node:net').Socket} socket */
const serve = (socket) => void socket.end();

/**
 * @param {SocketManager} manager
 * @param {string} directory
 */
function group(manager, directory) {
  return {
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
  };
}
