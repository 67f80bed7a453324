import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** Bytes of a server's output that an error carries, as those of its own failures do. */
const maxBytes = 4_096;

/** Output that goes to a file, of which another process wants the end. */
export interface OutputPlace {
  readonly file: string;
  /** Where what counts begins, in bytes. */
  readonly from: number;
}

/** The end of what a file holds from a position on, in whole lines; nothing if it cannot be read. */
export function endOf({ file, from }: OutputPlace): string {
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile()) return '';
      // It was cut off since: all that is there was written later.
      const begin = from > stats.size ? 0 : from;
      const start = Math.max(begin, stats.size - maxBytes);
      const buffer = Buffer.alloc(stats.size - start);
      const text = buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, start));
      return (start > begin ? text.slice(text.indexOf('\n') + 1) : text).trim();
    } finally {
      closeSync(fd);
    }
  } catch {
    // It would only make an error better.
    return '';
  }
}
