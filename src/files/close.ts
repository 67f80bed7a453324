import { closeSync } from 'node:fs';
import { errnoOf } from '../errors/system.js';

/**
 * Closes a descriptor and ignores what the system reports: the descriptor is closed in any case, and the report is
 * about unwritten data, on which no caller relies. Only EBADF, an invalid descriptor, is a mistake of ours.
 */
export function closeAnyway(fd: number): void {
  try {
    closeSync(fd);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined || errno === 'EBADF') throw error;
  }
}
