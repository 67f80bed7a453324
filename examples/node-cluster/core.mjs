/** The core: what all workers need, and what is to be there once. Here it looks things up, each of them a single time. */

import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

/** An HTTP server as one would write it for a port, except that nobody calls `listen()`. */
export function createCore() {
  /** @type {Map<string, Promise<string>>} */
  const known = new Map();
  return createServer(async ({ url = '' }, response) => {
    let value = known.get(url);
    if (!value) {
      value = lookUp(url);
      known.set(url, value);
    }
    response.end(JSON.stringify({ value: await value, lookUps: known.size, core: process.pid }));
  });
}

/**
 * Stands for a query, a model, a file that is large: whatever takes long, and should not be done by each worker.
 *
 * @param {string} url
 */
async function lookUp(url) {
  await pause(50);
  return url.slice(1).toUpperCase();
}
