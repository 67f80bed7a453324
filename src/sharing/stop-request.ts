import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { lstatIfThere } from '../files/identity.js';
import type { Place } from '../files/place.js';
import { ownUid } from '../files/platform.js';
import { Channel } from './channel.js';
import { deferred } from './deferred.js';
import { failureFrom } from './failure.js';
import { parseToMember, type ToMember } from './messages.js';

/** What became of it: the endpoint ended; or nobody answered, or the owner went without an end; or time was over. */
export type StopOutcome = 'stopped' | 'gone' | 'timeout';

/**
 * Asks the owner of an endpoint to end it, when it is unused or at once, and waits until every file is gone.
 *
 * @throws SocketReferenceError what the owner could not end or remove
 */
export async function requestStop(
  { directory, names, path }: Place,
  force: boolean,
  timeoutMs: number,
): Promise<StopOutcome> {
  const at = directory.at(names.control);
  const stats = lstatIfThere(at);
  // Never speak to a socket of someone else.
  if (!stats?.isSocket() || Number(stats.uid) !== ownUid()) return 'gone';
  const socket = connect({ path: at });
  try {
    await once(socket, 'connect');
  } catch {
    // It has ended, or is about to; who asks looks at what there is then.
    socket.destroy();
    return 'gone';
  }
  return ask(socket, path, force, timeoutMs);
}

async function ask(socket: Socket, path: string, force: boolean, timeoutMs: number): Promise<StopOutcome> {
  const outcome = deferred<StopOutcome>();
  const channel = new Channel<ToMember>(socket, parseToMember, {
    message: (message) => {
      if (message.type !== 'bye') return;
      if (message.failed) outcome.reject(failureFrom(message.failed, path));
      else outcome.resolve('stopped');
    },
    refuse: () => undefined,
    closed: () => outcome.resolve('gone'),
  });
  const timer = Number.isFinite(timeoutMs) ? setTimeout(() => outcome.resolve('timeout'), timeoutMs) : undefined;
  channel.send({ type: 'stop', force });
  try {
    return await outcome.promise;
  } finally {
    clearTimeout(timer);
    channel.destroy();
  }
}
