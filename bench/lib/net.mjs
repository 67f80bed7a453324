// @ts-check
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** @param {import('node:net').Socket} socket */
export const hangUp = (socket) => void socket.end();

/**
 * A server of Node that listens at a path.
 *
 * @param {string} path
 * @param {(socket: import('node:net').Socket) => void} serve
 */
export async function listen(path, serve) {
  const server = createServer(serve).listen(path);
  await once(server, 'listening');
  return server;
}

/** @param {import('node:net').Server} server */
export async function close(server) {
  server.close();
  await once(server, 'close');
}

/** @param {string} path */
export async function connected(path) {
  const socket = connect({ path });
  await once(socket, 'connect');
  return socket;
}
