import { setTimeout as pause } from 'node:timers/promises';
import { systemError } from '../errors/system.js';
import { endOrphans, type Reclaimed, reclaim } from '../files/leftovers.js';
import { LockFile } from '../files/lock-file.js';
import type { Place } from '../files/place.js';
import { dyingOwnerFirstPauseMs, dyingOwnerLongestPauseMs } from '../protocol/constants.js';

/**
 * Removes what a dead owner left, without becoming owner: for the last one out. Nothing happens if there is nothing, or
 * if someone alive holds the lock.
 *
 * @param ownerPid - the owner that was lost. The kernel closes what a dying process has one by one: its connections may
 * be gone while it still holds its lock, and then its end has to be waited for
 */
export async function removeLeftovers(place: Place, ownerPid: number): Promise<void> {
  try {
    await removeLeft(place, ownerPid);
  } catch (error) {
    throw systemError(error, place.path, `remove what the owner of ${place.path} left`);
  }
}

async function removeLeft(place: Place, ownerPid: number): Promise<void> {
  let since: number | undefined;
  for (let wait = dyingOwnerFirstPauseMs; wait <= dyingOwnerLongestPauseMs; wait *= 2) {
    const attempt = LockFile.attempt(place, false);
    if (attempt.kind === 'held') await removeLeftoversUnder(attempt.lock);
    if (attempt.kind !== 'busy') return;
    const { record } = attempt;
    if (record?.pid !== ownerPid) return;
    // Another life of the same process holds it by now.
    since ??= record.since;
    if (record.since !== since) return;
    await pause(wait);
  }
}

/** The same with the lock in hand, which is let go of. */
export async function removeLeftoversUnder(lock: LockFile): Promise<Reclaimed> {
  try {
    const record = lock.record();
    await endOrphans(record);
    const reclaimed = reclaim(lock, record);
    lock.remove();
    return reclaimed;
  } finally {
    // After a failure the file stays, for the next one to repair from its record.
    lock.release();
  }
}

/**
 * Lets go of a lock with which a start has failed. What its record names goes first, and its file last: if anything of it
 * cannot be removed, the file stays, for the next one to repair from its record. Nothing happens if another process has the
 * lock by now.
 */
export function giveLockBack(lock: LockFile): void {
  if (!lock.isOpen()) return;
  try {
    reclaim(lock);
    lock.remove();
  } finally {
    lock.release();
  }
}
