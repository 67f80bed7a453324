/** The core: what all workers need, and what must exist once. Here it looks each thing up a single time. */

import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

/** An HTTP server as for a port, but without a call of `listen()`. */
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
 * Stands for a query, a model or a large file: work that is slow, and that not every worker should repeat.
 *
 * @param {string} url
 */
async function lookUp(url) {
  await pause(50);
  return url.slice(1).toUpperCase();
}
