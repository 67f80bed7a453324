/** One of the processes of the tour: carries out its parent's commands, one at a time, and answers. */

import { acquire } from 'sockref';
import { get, greeter, request } from './greeter.mjs';

/** @type {import('sockref').SocketReference} */
let reference;
/** @type {import('node:http').IncomingMessage} */
let answer;

/** @type {Readonly<Record<string, (path: string) => Promise<import('./troupe.mjs').Answer>>>} */
const commands = {
  async acquire(path) {
    reference = await acquire(path, { serve: greeter(), label: 'tour' });
    return {};
  },
  /** The state of this process. */
  async look() {
    return { role: reference.role, active: reference.isActive, count: reference.referenceCount };
  },
  async get() {
    return { answer: await get(reference, '/') };
  },
  /** Sends a request whose answer never ends, and returns when half of it has arrived. */
  async begin() {
    answer = await request(reference, '/slow');
    await new Promise((resolve) => answer.once('data', resolve));
    return {};
  },
  /** Waits for the other half. */
  async finish() {
    try {
      for await (const _ of answer);
      return { cut: undefined };
    } catch (error) {
      return { cut: /** @type {NodeJS.ErrnoException} */ (error).code };
    }
  },
  async close() {
    await reference.close();
    return {};
  },
};

process.on('message', async (/** @type {{ name: string, path: string }} */ { name, path }) => {
  const result = (await commands[name]?.(path)) ?? {};
  process.send?.(result, () => {
    // From here on only what it serves keeps this process alive.
    if (name === 'close') process.disconnect();
  });
});
