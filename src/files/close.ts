import { closeSync } from 'node:fs';
import { errnoOf } from '../errors/system.js';

/**
 * Closes a descriptor, whatever the system says to it: it is closed then all the same, and what is said is about data that
 * could not be written, of which nobody here counts on any. Only a descriptor that was none is a mistake of ours.
 */
export function closeAnyway(fd: number): void {
  try {
    closeSync(fd);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined || errno === 'EBADF') throw error;
  }
}
