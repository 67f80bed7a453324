import { EndpointLock } from '../files/lock.js';
import { type Reclaimed, reclaim } from '../files/reclaim.js';
import type { Place } from './settings.js';

/**
 * Removes what a dead owner left, without becoming owner: for the last one out. Nothing happens if there is nothing, or
 * if someone alive holds the lock.
 */
export function sweep({ directory, names, path }: Place): Reclaimed | undefined {
  const attempt = EndpointLock.attempt(directory, names.lock, path, false);
  return attempt.kind === 'held' ? sweepHeld(attempt.lock, path) : undefined;
}

/** The same with the lock in hand, which is let go of. */
export function sweepHeld(lock: EndpointLock, path: string): Reclaimed {
  try {
    const reclaimed = reclaim(lock, path);
    lock.remove();
    return reclaimed;
  } finally {
    // After a failure the file stays, for the next one to repair from its record.
    lock.release();
  }
}
