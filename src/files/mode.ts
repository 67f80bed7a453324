import { chmodSync, closeSync, constants, fstatSync, openSync } from 'node:fs';
import { type Identity, identityOf, sameFile } from './identity.js';
import { reachesThroughDescriptors } from './platform.js';

/**
 * Opens a file of any kind, even a socket, only to refer to it (`O_PATH`). Node has no constant for it; this is
 * Linux's.
 */
const pathOnly = 0o10000000;

/** The bits of a mode that say who may use a file. */
export const modeBits = 0o7777;

/**
 * Restores the mode of a file. Does nothing if the path leads to another file by now; does not follow a link. Where
 * files cannot be reached through their descriptors, as on macOS, it uses the path: then the caller must have checked
 * it just before.
 */
export function restoreMode(at: string, file: Identity, mode: number): void {
  if (!reachesThroughDescriptors) {
    chmodSync(at, mode);
    return;
  }
  const fd = openSync(at, pathOnly | constants.O_NOFOLLOW);
  try {
    // Through the descriptor: the path may lead to another file by now.
    if (sameFile(identityOf(fstatSync(fd, { bigint: true })), file)) chmodSync(`/proc/self/fd/${fd}`, mode);
  } finally {
    closeSync(fd);
  }
}
