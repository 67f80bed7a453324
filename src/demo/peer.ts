/** One of the processes of the tour: does what its parent says, one thing at a time, and answers. */

import type { IncomingMessage } from 'node:http';
import { acquire, type SocketReference } from '../index.js';
import { get, greeter, request } from './greeter.js';
import type { Answer } from './troupe.js';

let reference: SocketReference;
let answer: IncomingMessage;

const commands: Readonly<Record<string, (path: string) => Promise<Answer>>> = {
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
      return { cut: (error as NodeJS.ErrnoException).code };
    }
  },
  async close() {
    await reference.close();
    return {};
  },
};

process.on('message', async ({ name, path }: { name: string; path: string }) => {
  const result = (await commands[name]?.(path)) ?? {};
  process.send?.(result, () => {
    // From here on only what it serves keeps this process alive.
    if (name === 'close') process.disconnect();
  });
});
