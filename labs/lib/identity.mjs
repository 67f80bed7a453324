import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';

/** The name of this process, or of the server in it, for its clients. */
export const instance = `${process.pid}/${randomUUID().slice(0, 8)}`;

/**
 * Serves a connection: sends the name of this process, and ends it.
 *
 * @param {import('node:net').Socket} socket
 */
export function sayWho(socket) {
  // A killed client does not matter to the server.
  socket.on('error', () => {});
  socket.end(`${instance}\n`);
}

/**
 * Reads the name of the server on a connection; undefined if it ends without an answer.
 *
 * @param {import('node:net').Socket} socket
 * @returns {Promise<string | undefined>}
 */
export function readWho(socket) {
  return new Promise((resolve) => {
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text.endsWith('\n') ? text.trimEnd() : undefined));
  });
}

/**
 * Asks the listener at a path for its name, without the library. Resolves to the error's code if there is none.
 *
 * @param {string} path
 * @returns {Promise<{who: string | undefined, code?: undefined} | {who?: undefined, code: string}>}
 */
export function askWho(path) {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('error', (error) => resolve({ code: /** @type {NodeJS.ErrnoException} */ (error).code ?? 'unknown' }));
    socket.once('connect', () => void readWho(socket).then((who) => resolve({ who })));
  });
}
