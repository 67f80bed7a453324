// @ts-check
/** A process that serves: by the library, and beside it by a bare server of Node. */

import { SocketManager } from 'sockref';
import { answer } from '../../labs/lib/child.mjs';
import { close, hangUp, listen } from '../lib/net.mjs';

const chunk = Buffer.alloc(64 * 1024);
const manager = new SocketManager();
/** One that is dropped is released once it is collected. @type {import('sockref').SocketReference[]} */
const held = [];
/** @type {import('node:net').Server[]} */
const bareServers = [];

/**
 * A number asks for so many bytes, anything else comes back as it is.
 *
 * @param {import('node:net').Socket} socket
 */
function serve(socket) {
  socket.on('error', () => {});
  socket.on('data', (data) => {
    if (data[0] === 0x42) send(socket, Number(data.toString('latin1', 1)));
    else socket.write(data);
  });
}

/**
 * @param {import('node:net').Socket} socket
 * @param {number} bytes
 */
function send(socket, bytes) {
  for (let left = bytes; left > 0; left -= chunk.length) {
    if (socket.write(chunk)) continue;
    socket.once('drain', () => send(socket, left - chunk.length));
    return;
  }
  socket.end();
}

answer({
  serve: async (path) => void held.push(await manager.acquire(path, { serve })),
  hangUp: async ({ ours, bare }) => {
    held.push(await manager.acquire(ours, { serve: hangUp }));
    bareServers.push(await listen(bare, hangUp));
  },
  end: () => Promise.all([manager.close(), ...bareServers.map(close)]),
});
