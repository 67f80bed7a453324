import { chmodSync, closeSync, constants, fstatSync, openSync } from 'node:fs';
import { type Identity, identityOf, sameFile } from './identity.js';
import { reachesThroughDescriptors } from './platform.js';

/** Opens a file of any kind, a socket too, merely to name it. Node has no name for it; on Linux it is this number. */
const pathOnly = 0o10000000;

/** The bits of a mode that say who may use a file. */
export const modeBits = 0o7777;

/**
 * Gives a file its mode back. Nothing happens if the path leads to another file by now; a link is not followed. Where files
 * cannot be reached by their descriptors, as on macOS, the path itself is used: then it is for the caller to have looked at
 * it just before.
 */
export function restoreMode(at: string, file: Identity, mode: number): void {
  if (!reachesThroughDescriptors) {
    chmodSync(at, mode);
    return;
  }
  const fd = openSync(at, pathOnly | constants.O_NOFOLLOW);
  try {
    // By the descriptor: the path may have come to lead to another file meanwhile.
    if (sameFile(identityOf(fstatSync(fd, { bigint: true })), file)) chmodSync(`/proc/self/fd/${fd}`, mode);
  } finally {
    closeSync(fd);
  }
}
