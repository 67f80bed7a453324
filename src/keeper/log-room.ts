import { statfsSync } from 'node:fs';

/** Bytes that a file system has to have left for a log on it: what a server says last, many times over. */
const neededBytes = 65_536;

/** Whether a file system has no room left for a log. */
export function isFull(path: string): boolean {
  try {
    const { bavail, bfree, bsize } = statfsSync(path);
    // Root may use what is kept back from others.
    return (process.geteuid?.() === 0 ? bfree : bavail) * bsize < neededBytes;
  } catch {
    // It does not tell: then it is taken to have room, and what cannot be written is lost.
    return false;
  }
}
