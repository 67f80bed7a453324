import { type BigIntStats, lstatSync, statSync } from 'node:fs';

/**
 * What distinguishes a file from every other file that had its name. Inode numbers are reused at once, so the birth
 * time is part of it; it is `0` where the file system has none.
 */
export interface Identity {
  readonly dev: string;
  readonly ino: string;
  readonly birth: string;
}

/**
 * Whether birth times are real. If the kernel gives none, Node fills in the time of the last change, which link()
 * alters. /proc has no birth times: a kernel that says so there can be trusted on other file systems too.
 */
const birthTimesAreReal = (() => {
  try {
    return statSync('/proc/self', { bigint: true }).birthtimeNs === 0n || process.platform === 'darwin';
  } catch {
    // Without /proc: macOS always has birth times, and of other systems it is not known.
    return process.platform === 'darwin';
  }
})();

/** The identity from the result of a stat call. */
export function identityOf(stats: BigIntStats): Identity {
  return {
    dev: stats.dev.toString(),
    ino: stats.ino.toString(),
    birth: birthTimesAreReal ? stats.birthtimeNs.toString() : '0',
  };
}

/** Whether two identities belong to the same file. If either has no birth time, device and inode decide. */
export function sameFile(a: Identity, b: Identity): boolean {
  return a.dev === b.dev && a.ino === b.ino && (a.birth === b.birth || a.birth === '0' || b.birth === '0');
}

/** `lstat`, but undefined for a missing name. Symbolic links are never followed. */
export function lstatIfThere(path: string): BigIntStats | undefined {
  // Without an exception: a free name is the usual case, and a stack trace is slower than the call.
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

/** The kind of a file, as a word for messages. */
export function kindOf(stats: BigIntStats): string {
  if (stats.isSocket()) return 'socket';
  if (stats.isFile()) return 'regular file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symbolic link';
  if (stats.isFIFO()) return 'FIFO';
  return 'device';
}
