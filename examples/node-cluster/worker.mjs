/** A worker of the cluster: answers HTTP on a port that it shares with the others, by asking the core. */

import { createServer, get } from 'node:http';
import { json } from 'node:stream/consumers';
import { acquire } from 'sockref';
import { createCore } from './core.mjs';

/** What becomes of a request whose core dies: the answer breaks off, or nobody is there any more to write to. */
const lostItsCore = ['ECONNRESET', 'EPIPE'];

// The first worker to come serves the core, the others share it. If it is lost, one of them takes over.
const reference = await acquire(process.env['CORE_SOCKET'], { serve: createCore() });

createServer(async ({ url = '' }, response) => {
  try {
    response.end(JSON.stringify({ .../** @type {object} */ (await ask(url)), worker: process.pid }));
  } catch (error) {
    response.writeHead(502).end(String(error));
  }
}).listen(0, '127.0.0.1');

// When the primary lets this worker go, and the server above is closed already.
process.once('disconnect', () => void reference.close());

/**
 * Asks the core. To look something up twice does no harm: so if the core dies in the middle, it is asked again.
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
