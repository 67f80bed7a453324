import { type BigIntStats, lstatSync, statSync } from 'node:fs';

/**
 * What tells one file from any other that ever had its name. Inode numbers are reused at once, so the birth time
 * belongs to it; `0` where the file system has none.
 */
export interface Identity {
  readonly dev: string;
  readonly ino: string;
  readonly birth: string;
}

/**
 * Whether birth times can be believed. Where the kernel gives none, Node fills in the time of the last change, which
 * a link() alters. /proc has no birth times: a kernel that says so can be trusted on other file systems too.
 */
const birthTimesAreReal = (() => {
  try {
    return statSync('/proc/self', { bigint: true }).birthtimeNs === 0n || process.platform === 'darwin';
  } catch {
    // No /proc: macOS always has birth times, anything else is not known to.
    return process.platform === 'darwin';
  }
})();

/** The identity in the answer of a stat call. */
export function identityOf(stats: BigIntStats): Identity {
  return {
    dev: stats.dev.toString(),
    ino: stats.ino.toString(),
    birth: birthTimesAreReal ? stats.birthtimeNs.toString() : '0',
  };
}

/** Whether two identities are the same file. A missing birth time on either side leaves it to device and inode. */
export function sameFile(a: Identity, b: Identity): boolean {
  return a.dev === b.dev && a.ino === b.ino && (a.birth === b.birth || a.birth === '0' || b.birth === '0');
}

/** `lstat`, with undefined for a name that is not there. Symbolic links are never followed. */
export function lstatIfThere(path: string): BigIntStats | undefined {
  // Without an exception: that a name is free is the ordinary case, and a stack trace costs more than the call.
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

/** What kind of file it is, as a word for messages. */
export function kindOf(stats: BigIntStats): string {
  if (stats.isSocket()) return 'socket';
  if (stats.isFile()) return 'regular file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symbolic link';
  if (stats.isFIFO()) return 'FIFO';
  return 'device';
}
