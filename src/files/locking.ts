import { type BigIntStats, constants, fchmodSync, fstatSync, openSync, unlinkSync } from 'node:fs';
import { errnoOf, systemError } from '../errors/system.js';
import { lockMode, maxLockReplacements, maxRecordBytes, recordMagic } from '../protocol/constants.js';
import { closeAnyway } from './close.js';
import { readText } from './descriptor-text.js';
import { foreignFile } from './foreign.js';
import { identityOf, lstatIfThere, sameFile } from './identity.js';
import { nativeLocks } from './native-locks.js';
import type { Place } from './place.js';
import { ownUid } from './platform.js';
import { looksLikeRecord, type OwnerRecord, parseRecord } from './record.js';

// The file at the path of a lock, before it is known which process holds it. A file that only happens to have this name
// is not locked, written or removed.

/** Why a lock was not obtained. */
export type NotLocked =
  /** Another process holds it. The record says which, once it is written. */
  | { readonly kind: 'busy'; readonly record: OwnerRecord | undefined }
  /** There is no lock file, and none was to be created. */
  | { readonly kind: 'absent' };

/** A descriptor that holds a lock. */
interface Locked {
  readonly kind: 'locked';
  readonly fd: number;
  readonly stats: BigIntStats;
}

/** Tries once, without waiting, to lock the file at the lock's path. `create` creates a missing one. */
export function lockAt(place: Place, create: boolean): Locked | NotLocked {
  const { path } = place;
  // Before a file is created: where locks do not exist, none must be left.
  const { tryLock } = nativeLocks(path);
  for (let replaced = 0; replaced < maxLockReplacements; replaced++) {
    const fd = openLockFile(place, create);
    if (fd === undefined) return { kind: 'absent' };
    let keep = false;
    try {
      assertOurs(fd, path);
      if (!tryLock(fd)) return busy(readText(fd, maxRecordBytes));
      const stats = fstatSync(fd, { bigint: true });
      // I1: an owner removes its lock file before it releases the lock, so our file may have lost its name.
      if (!isLinked(place, stats)) continue;
      keep = true;
      return { kind: 'locked', fd, stats };
    } catch (error) {
      // This call may have created it.
      if (create) discardEmpty(place, fd);
      throw systemError(error, path, `lock the file ${path}.lock`);
    } finally {
      if (!keep) closeAnyway(fd);
    }
  }
  return busy('');
}

/**
 * Locks a file whose descriptor was inherited with its lock. Returns undefined, and closes it, if it was not locked.
 */
export function lockInherited(place: Place, fd: number): BigIntStats | undefined {
  let keep = false;
  try {
    // An inherited lock is the same lock: trying it again succeeds. It fails only if another process holds the lock.
    if (!nativeLocks(place.path).tryLock(fd)) return undefined;
    const stats = fstatSync(fd, { bigint: true });
    keep = isLinked(place, stats);
    return keep ? stats : undefined;
  } finally {
    if (!keep) closeAnyway(fd);
  }
}

/** Reads the record at a lock's path without locking: it names the owner, or the last one. */
export function peekRecord(place: Place): OwnerRecord | undefined {
  const { path } = place;
  const fd = openLockFile(place, false);
  if (fd === undefined) return undefined;
  try {
    assertOurs(fd, path);
    return parseRecord(readText(fd, maxRecordBytes));
  } catch (error) {
    throw systemError(error, path, `read the lock file ${path}.lock`);
  } finally {
    closeAnyway(fd);
  }
}

/** The text is read now, and parsed only if needed: claims that wait for an owner come here again and again. */
function busy(text: string): NotLocked {
  return {
    kind: 'busy',
    get record() {
      return parseRecord(text);
    },
  };
}

/**
 * Opens the lock file; `create` creates a missing one. Undefined if there is none. {@link assertOurs} checks what it
 * is.
 */
function openLockFile({ directory, names, path }: Place, create: boolean): number | undefined {
  // Does not block on a FIFO, follow a link, or make a terminal the controlling one.
  const flags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
  try {
    return openSync(directory.at(names.lock), create ? flags | constants.O_CREAT : flags, lockMode);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' && !create) return undefined;
    const found = lstatIfThere(directory.at(names.lock));
    if (found && (!found.isFile() || Number(found.uid) !== ownUid())) throw foreignFile(path, `${path}.lock`, found);
    throw systemError(error, path, `open the lock file ${path}.lock`);
  }
}

/** Refuses a file that only happens to have this name: it is never locked, written or removed. */
function assertOurs(fd: number, path: string): void {
  const stats = fstatSync(fd, { bigint: true });
  const foreign = () => foreignFile(path, `${path}.lock`, stats);
  if (!stats.isFile() || Number(stats.uid) !== ownUid()) throw foreign();
  // What we write here would appear under its other name, too.
  if (stats.nlink > 1n) throw foreignFile(path, `${path}.lock`, stats, ', under more than one name');
  if (stats.size > 0n) {
    if (!looksLikeRecord(readText(fd, recordMagic.length))) throw foreign();
    return;
  }
  // An empty file is ours if it has our mode. A umask may have removed bits; a plain `touch` adds some.
  if (Number(stats.mode) & 0o177) throw foreign();
  if ((Number(stats.mode) & 0o777) !== lockMode) fchmodSync(fd, lockMode);
}

/** Whether the lock's path leads to an open file. */
function isLinked({ directory, names }: Place, stats: BigIntStats): boolean {
  const linked = lstatIfThere(directory.at(names.lock));
  return linked !== undefined && sameFile(identityOf(linked), identityOf(stats));
}

/**
 * Removes an empty lock file, under its lock: a failed acquire leaves nothing. Best effort, because something already
 * failed.
 */
function discardEmpty(place: Place, fd: number): void {
  try {
    assertOurs(fd, place.path);
    const stats = fstatSync(fd, { bigint: true });
    if (stats.size === 0n && isFree(fd, place.path) && isLinked(place, stats))
      unlinkSync(place.directory.at(place.names.lock));
  } catch {
    // The first failure is reported. The next claim uses the empty file.
  }
}

function isFree(fd: number, path: string): boolean {
  try {
    return nativeLocks(path).tryLock(fd);
  } catch (error) {
    // Where there are no locks, no process holds one.
    if (errnoOf(error) === 'ENOLCK') return true;
    throw error;
  }
}
