import { statfsSync } from 'node:fs';

/** How many bytes must be free on a file system for a log: many times a server's last output. */
const neededBytes = 65_536;

/** Whether a file system has no room for a log. */
export function isFull(path: string): boolean {
  try {
    const { bavail, bfree, bsize } = statfsSync(path);
    // Root may use the blocks that are reserved.
    return (process.geteuid?.() === 0 ? bfree : bavail) * bsize < neededBytes;
  } catch {
    // The file system does not tell. Assume that it has room; what cannot be written is lost.
    return false;
  }
}
