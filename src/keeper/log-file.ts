import { closeSync, constants, fchmodSync, fstatSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { assertSafe } from '../files/directory.js';
import { foreignFile } from '../files/foreign.js';
import { ownUid } from '../files/platform.js';
import { errnoOf } from '../system-errors.js';

/** Makes a directory with those above it, for this user alone; refuses one in which others could replace files. */
export function makePrivateDirectory(directory: string): void {
  makeDirectories(directory);
  const { uid, mode } = statSync(directory);
  assertSafe(directory, uid, mode & 0o7777, 'shared');
}

/** Not by Node's own `recursive`, which tries for ever where a directory that is there cannot have others in it, as /proc. */
function makeDirectories(directory: string): void {
  try {
    makeOne(directory);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(directory) === directory) throw error;
    makeDirectories(dirname(directory));
    makeOne(directory);
  }
}

function makeOne(directory: string): void {
  try {
    mkdirSync(directory, 0o700);
  } catch (error) {
    // It is there; or another keeper was quicker.
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/** Opens a regular file of ours that nobody else may read, and makes it if it is missing. */
export function openPrivate(file: string, flags: number): number {
  // Not to follow a link, not to become anybody's terminal.
  const fd = openSync(file, flags | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NOCTTY, 0o600);
  try {
    const stats = fstatSync(fd, { bigint: true });
    if (!stats.isFile() || Number(stats.uid) !== ownUid()) throw foreignFile(file, file, stats);
    if ((Number(stats.mode) & 0o777) !== 0o600) fchmodSync(fd, 0o600);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** What a file holds; nothing if it is not there, or cannot be read. */
export function readIfThere(file: string): Buffer {
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return Buffer.alloc(0);
  }
}
