import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { maxOutputBytes } from '../protocol/constants.js';

/** A file that gets output, and of which another process wants the end. */
export interface OutputPlace {
  readonly file: string;
  /** Where the relevant output begins, in bytes. */
  readonly from: number;
}

/** The end of a file from a position on, in whole lines; empty if the file cannot be read. */
export function endOf({ file, from }: OutputPlace): string {
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile()) return '';
      // The file was shortened since: everything in it was written later.
      const begin = from > stats.size ? 0 : from;
      const start = Math.max(begin, stats.size - maxOutputBytes);
      const buffer = Buffer.alloc(stats.size - start);
      const text = buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, start));
      return (start > begin ? text.slice(text.indexOf('\n') + 1) : text).trim();
    } finally {
      closeSync(fd);
    }
  } catch {
    // It would only have improved an error.
    return '';
  }
}
