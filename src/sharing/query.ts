import { connect, type Socket } from 'node:net';
import { lstatIfThere } from '../files/identity.js';
import { EndpointLock, peekRecord } from '../files/lock.js';
import { ownUid } from '../files/platform.js';
import { processEntry } from '../files/process-table.js';
import type { OwnerRecord } from '../files/record.js';
import { systemError } from '../system-errors.js';
import { Channel } from './channel.js';
import { connected, isAway } from './connected.js';
import { deferred } from './deferred.js';
import { type Holders, parseToMember, type ToMember } from './messages.js';
import type { Place } from './settings.js';

/** What a look at an endpoint from outside found. */
export type Finding =
  | { readonly kind: 'answered'; readonly holders: Holders }
  /** Someone holds the lock: starting, ending, or not answering. */
  | { readonly kind: 'silent'; readonly record: OwnerRecord | undefined; readonly connected: boolean }
  /** Left by a dead owner. */
  | { readonly kind: 'stale'; readonly record: OwnerRecord | undefined }
  | { readonly kind: 'nothing' };

/** Asks the owner of an endpoint who holds it, without taking a reference; waits for its answer so many milliseconds. */
export async function query(place: Place, timeoutMs: number, retry = true): Promise<Finding> {
  const { directory, names, path } = place;
  const asked = await ask(place, timeoutMs);
  if (asked.holders) return { kind: 'answered', holders: asked.holders };
  const attempt = EndpointLock.attempt(directory, names.lock, path, false);
  switch (attempt.kind) {
    case 'absent':
      return { kind: 'nothing' };
    case 'busy':
      if (!isPast(attempt.record)) return { kind: 'silent', record: attempt.record, connected: asked.connected };
      // It may have died over our question; or it lives where we cannot see its process, and is as silent once more.
      if (asked.connected && retry) return query(place, timeoutMs, false);
      return { kind: 'silent', record: asked.connected ? attempt.record : undefined, connected: asked.connected };
    case 'held':
      attempt.lock.release();
      return { kind: 'stale', record: peekRecord(directory, names.lock, path) };
  }
}

/**
 * Whoever took the lock over from a dead owner first ends and removes what the record names. Until it begins its own, the
 * record is not that of the one who holds the lock, and must not be told as that.
 */
function isPast(record: OwnerRecord | undefined): boolean {
  if (record?.start === undefined) return false;
  const process = processEntry(record.pid);
  // One that was not waited for by its parent yet is listed, and has ended.
  return process === undefined || process.ended || process.start !== record.start;
}

async function ask(place: Place, timeoutMs: number): Promise<{ holders?: Holders; connected: boolean }> {
  const at = place.directory.at(place.names.control);
  const stats = lstatIfThere(at);
  if (!stats?.isSocket() || Number(stats.uid) !== ownUid()) return { connected: false };
  const socket = connect({ path: at });
  try {
    await connected(socket);
  } catch (error) {
    socket.destroy();
    // Nobody listens there; the lock tells why.
    if (isAway(error)) return { connected: false };
    // A failure of our own says nothing about the owner.
    throw systemError(error, place.path, `ask the owner of ${place.path}`);
  }
  const holders = await answer(socket, place.path, timeoutMs);
  return holders ? { holders, connected: true } : { connected: true };
}

async function answer(socket: Socket, path: string, timeoutMs: number): Promise<Holders | undefined> {
  const answered = deferred<Holders | undefined>();
  socket.once('error', (error) => {
    if (!isAway(error)) answered.reject(systemError(error, path, `ask the owner of ${path}`));
  });
  const channel = new Channel<ToMember>(socket, parseToMember, {
    message: (message) => answered.resolve(message.type === 'holders' ? message : undefined),
    refuse: () => undefined,
    closed: () => answered.resolve(undefined),
  });
  const timer = setTimeout(() => answered.resolve(undefined), timeoutMs);
  channel.send({ type: 'who' });
  try {
    return await answered.promise;
  } finally {
    clearTimeout(timer);
    channel.destroy();
  }
}
