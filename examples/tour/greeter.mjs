/** The server of the tour, and its client: plain HTTP, over the connections of a reference. */

import { createServer, get as httpGet } from 'node:http';

/** An HTTP server as for a port, but without a call of `listen()`. */
export function greeter() {
  return createServer((request, response) => {
    response.setHeader('Content-Type', 'text/plain');
    if (request.url === '/slow') {
      // Half of an answer, so that a request is in progress when the server is killed.
      response.write('half of an ');
      return;
    }
    response.end(`hello from pid ${process.pid}`);
  });
}

/**
 * Asks over a new connection; resolves as soon as an answer begins.
 *
 * @param {import('sockref').SocketReference} reference
 * @param {string} path
 * @returns {Promise<import('node:http').IncomingMessage>}
 */
export async function request(reference, path) {
  const socket = await reference.connect();
  return new Promise((resolve, reject) => {
    httpGet({ path, headers: { Host: 'tour' }, createConnection: () => socket }, resolve).on('error', reject);
  });
}

/**
 * The whole answer.
 *
 * @param {import('sockref').SocketReference} reference
 * @param {string} path
 */
export async function get(reference, path) {
  let body = '';
  for await (const chunk of await request(reference, path)) body += chunk;
  return body;
}
