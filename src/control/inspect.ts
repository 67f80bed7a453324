import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { errnoOf, systemError } from '../errors/system.js';
import { LockFile } from '../files/lock-file.js';
import { peekRecord } from '../files/locking.js';
import type { Place } from '../files/place.js';
import type { OwnerRecord } from '../files/record.js';
import { processEntry } from '../processes/table.js';
import { askAgainPauseMs } from '../protocol/constants.js';
import { isAway } from './connected.js';
import type { Holders } from './messages.js';
import { askOwner, connectToOwner } from './to-owner.js';

/** What a look at an endpoint from outside found. */
export type Finding =
  | { readonly kind: 'answered'; readonly holders: Holders }
  /** Someone holds the lock: starting, ending, or not answering. */
  | { readonly kind: 'silent'; readonly record: OwnerRecord | undefined; readonly connected: boolean }
  /** Left by a dead owner. */
  | { readonly kind: 'stale'; readonly record: OwnerRecord | undefined }
  | { readonly kind: 'nothing' };

/**
 * Asks the owner of an endpoint who holds it, without taking a reference; waits for its answer so many milliseconds.
 *
 * @throws SocketReferenceError if this process cannot ask, which says nothing of the owner
 */
export async function query(place: Place, timeoutMs: number): Promise<Finding> {
  const asked = await ask(place, timeoutMs);
  if (asked.kind === 'answered') return asked;
  const connected = asked.kind !== 'nobody';
  const attempt = LockFile.attempt(place, false);
  switch (attempt.kind) {
    case 'absent':
      return { kind: 'nothing' };
    case 'busy':
      // One that we reach although its process is not to be seen lives where we cannot see it.
      if (isPast(attempt.record) && !connected) return { kind: 'silent', record: undefined, connected };
      return { kind: 'silent', record: attempt.record, connected };
    case 'held':
      attempt.lock.release();
      return { kind: 'stale', record: peekRecord(place) };
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

/** `busy`: it had no place for us, be it in its queue; `silent`: it has heard us, and does not answer. */
type Asked = { readonly kind: 'answered'; readonly holders: Holders } | { readonly kind: 'nobody' | 'busy' | 'silent' };

/**
 * Asks who holds it, over the control socket alone, until there is an answer, since an owner that is busy may have a place for
 * the next question. An owner that is asked looks after its files.
 */
export async function ask(place: Place, timeoutMs: number): Promise<Asked> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const asked = await askOnce(place, Math.max(0, deadline - performance.now()));
    if (asked.kind !== 'busy' || performance.now() + askAgainPauseMs > deadline) return asked;
    await pause(askAgainPauseMs);
  }
}

async function askOnce(place: Place, timeoutMs: number): Promise<Asked> {
  const { path } = place;
  let socket: Socket | undefined;
  const connecting = connectToOwner(place);
  try {
    socket = await connecting;
  } catch (error) {
    // More knock than its queue takes.
    if (errnoOf(error) === 'EAGAIN') return { kind: 'busy' };
    // Nobody listens there; the lock tells why.
    if (isAway(error)) return { kind: 'nobody' };
    // A failure of our own says nothing about the owner.
    throw systemError(error, path, `ask the owner of ${path}`);
  }
  if (!socket) return { kind: 'nobody' };
  const reply = await askOwner(socket, { type: 'who' }, () => true, timeoutMs);
  switch (reply.kind) {
    case 'answered':
      return reply.message.type === 'holders' ? { kind: 'answered', holders: reply.message } : { kind: 'silent' };
    case 'failed':
      if (!isAway(reply.error)) throw systemError(reply.error, path, `ask the owner of ${path}`);
      return { kind: 'busy' };
    case 'closed':
      // Dropped for others, or for want of descriptors; or it ends, and is not there when it is asked again.
      return { kind: reply.malformed ? 'silent' : 'busy' };
    case 'late':
      return { kind: 'silent' };
  }
}
