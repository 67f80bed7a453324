import { rmSync, unlinkSync } from 'node:fs';
import { errnoOf } from '../errors/system.js';
import type { Directory } from './directory.js';
import { type Identity, identityOf, lstatIfThere, sameFile } from './identity.js';
import { ownUid } from './platform.js';

/** Removes a name only if it still leads to this file (I2). Returns whether it did. */
export function unlinkIfSame(directory: Directory, name: string, file: Identity): boolean {
  const stats = lstatIfThere(directory.at(name));
  if (!stats || !sameFile(identityOf(stats), file)) return false;
  try {
    unlinkSync(directory.at(name));
    return true;
  } catch (error) {
    // A temp cleaner removed it first.
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Removes a private directory with its content: the socket of a server, and other files that it made there. */
export function removePrivateDirectory(directory: Directory, name: string): boolean {
  const at = directory.at(name);
  const stats = lstatIfThere(at);
  if (!stats?.isDirectory() || Number(stats.uid) !== ownUid()) return false;
  rmSync(at, { recursive: true, force: true });
  return true;
}
