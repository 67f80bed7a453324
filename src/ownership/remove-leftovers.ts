import { setTimeout as pause } from 'node:timers/promises';
import { systemError } from '../errors/system.js';
import { endOrphans, type Reclaimed, reclaim } from '../files/leftovers.js';
import { LockFile } from '../files/lock-file.js';
import type { Place } from '../files/place.js';
import { dyingOwnerFirstPauseMs, dyingOwnerLongestPauseMs } from '../protocol/constants.js';

/**
 * Removes what a dead owner left, without becoming owner, for the last member. Does nothing if there is nothing to
 * remove, or if a living process holds the lock.
 *
 * @param ownerPid - the owner that was lost. The kernel closes a dying process's descriptors one by one: its
 * connections may be gone while it still holds its lock, and then we must wait for its end
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
    // By now the same process may hold the lock for a later life of the endpoint.
    since ??= record.since;
    if (record.since !== since) return;
    await pause(wait);
  }
}

/** Removes what a dead owner left, with its lock held, and releases the lock. */
export async function removeLeftoversUnder(lock: LockFile): Promise<Reclaimed> {
  try {
    const record = lock.record();
    await endOrphans(record);
    const reclaimed = reclaim(lock, record);
    lock.remove();
    return reclaimed;
  } finally {
    // After a failure the file stays, so that the next owner can clean up from its record.
    lock.release();
  }
}

/**
 * Releases a lock with which a start has failed. First removes what its record names, and its file last: if something
 * cannot be removed, the file stays, so that the next owner can clean up from its record. Does nothing if another
 * process has the lock.
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
