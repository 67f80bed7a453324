import { setTimeout as pause } from 'node:timers/promises';
import { systemError } from '../errors/system.js';
import { LockFile } from '../files/lock-file.js';
import { peekRecord } from '../files/locking.js';
import type { Place } from '../files/place.js';
import type { OwnerRecord } from '../files/record.js';
import { processEntry } from '../processes/table.js';
import { askAgainPauseMs } from '../protocol/constants.js';
import { isAway } from './connected.js';
import type { Holders } from './messages.js';
import { askOwner, connectToOwner } from './to-owner.js';

/** What a query found. */
export type Finding =
  | { readonly kind: 'answered'; readonly holders: Holders }
  /** A process holds the lock: it is starting, ending, or not answering. */
  | { readonly kind: 'silent'; readonly record: OwnerRecord | undefined; readonly connected: boolean }
  /** A dead owner left its files. */
  | { readonly kind: 'stale'; readonly record: OwnerRecord | undefined }
  | { readonly kind: 'nothing' };

/**
 * Asks the owner of an endpoint for its holders, without taking a reference. Waits for the answer for `timeoutMs`.
 *
 * @throws SocketReferenceError if this process cannot ask, which says nothing about the owner
 */
export async function query(place: Place, timeoutMs: number): Promise<Finding> {
  const asked = await ask(place, timeoutMs);
  if (asked.kind === 'answered') return asked;
  const connected = asked.kind !== 'no-owner';
  const attempt = LockFile.attempt(place, false);
  switch (attempt.kind) {
    case 'absent':
      return { kind: 'nothing' };
    case 'busy':
      // An owner that we reach although we cannot see its process lives in another namespace.
      if (isPast(attempt.record) && !connected) return { kind: 'silent', record: undefined, connected };
      return { kind: 'silent', record: attempt.record, connected };
    case 'held':
      attempt.lock.release();
      return { kind: 'stale', record: peekRecord(place) };
  }
}

/**
 * Whether the record is one of a dead owner. A successor that takes the lock first ends the processes and removes the
 * files that the record names. Until it begins its own record, the file describes the dead owner, not the successor.
 */
function isPast(record: OwnerRecord | undefined): boolean {
  if (record?.start === undefined) return false;
  const process = processEntry(record.pid);
  // A zombie is still listed, but it has ended.
  return process === undefined || process.ended || process.start !== record.start;
}

/**
 * `busy`: the owner had no place for the question, or its queue was full. `silent`: it accepted the question and did
 * not answer.
 */
type Asked =
  | { readonly kind: 'answered'; readonly holders: Holders }
  | { readonly kind: 'no-owner' | 'busy' | 'silent' };

/**
 * Asks the owner for its holders over the control socket, until it answers: a busy owner may have a place for the next
 * question. Each question also makes the owner check its files.
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
  const socket = await connectToOwner(place, `ask the owner of ${path}`);
  if (typeof socket === 'string') return { kind: socket };
  const reply = await askOwner(socket, { type: 'who' }, () => true, timeoutMs);
  switch (reply.kind) {
    case 'answered':
      return reply.message.type === 'holders' ? { kind: 'answered', holders: reply.message } : { kind: 'silent' };
    case 'failed':
      if (!isAway(reply.error)) throw systemError(reply.error, path, `ask the owner of ${path}`);
      return { kind: 'busy' };
    case 'closed':
      // The owner dropped us for other connections or for want of descriptors, or it is ending. Ask again.
      return { kind: reply.malformed ? 'silent' : 'busy' };
    case 'late':
      return { kind: 'silent' };
  }
}
