/** One of the processes of the tour: does what its parent says, one thing at a time, and answers. */

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
  /** Where this process stands. */
  async look() {
    return { role: reference.role, active: reference.isActive, count: reference.referenceCount };
  },
  async get() {
    return { answer: await get(reference, '/') };
  },
  /** Asks for what takes for ever, and comes back when half of the answer is there. */
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
