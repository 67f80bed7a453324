/** A worker of the cluster: answers HTTP on a port that it shares with the others, by asking the core. */

import { createServer, get } from 'node:http';
import { json } from 'node:stream/consumers';
import { acquire } from 'sockref';
import { createCore } from './core.mjs';

/** The errors of a request whose core dies: the answer breaks off, or it cannot be sent. */
const lostItsCore = ['ECONNRESET', 'EPIPE'];

// The first worker serves the core, and the others share it. If that worker dies, another one takes over.
const reference = await acquire(process.env['CORE_SOCKET'], { serve: createCore() });

createServer(async ({ url = '' }, response) => {
  try {
    response.end(JSON.stringify({ .../** @type {object} */ (await ask(url)), worker: process.pid }));
  } catch (error) {
    response.writeHead(502).end(String(error));
  }
}).listen(0, '127.0.0.1');

// The primary disconnects this worker; the server above is closed by then.
process.once('disconnect', () => void reference.close());

/**
 * Asks the core. Looking something up twice does no harm, so the question is repeated if the core dies meanwhile.
 *
 * @param {string} path
 * @returns {Promise<unknown>}
 */
async function ask(path) {
  for (;;) {
    // Waits until there is a core to connect to.
    const socket = await reference.connect();
    try {
      return await new Promise((resolve, reject) => {
        const options = { path, headers: { Host: 'core' }, createConnection: () => socket };
        get(options, (answer) => json(answer).then(resolve, reject)).on('error', reject);
      });
    } catch (error) {
      if (!lostItsCore.includes(/** @type {NodeJS.ErrnoException} */ (error).code ?? '')) throw error;
    }
  }
}
