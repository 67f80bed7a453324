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

// What lies at the path of a lock, before it is known who holds it. A file that only happens to have this name is not
// locked, written or removed.

/** Why a lock was not got. */
export type NotLocked =
  /** Someone else holds it; the record says who, once it is written. */
  | { readonly kind: 'busy'; readonly record: OwnerRecord | undefined }
  /** There is no lock file, and none was to be made. */
  | { readonly kind: 'absent' };

/** A descriptor that holds a lock. */
interface Locked {
  readonly kind: 'locked';
  readonly fd: number;
  readonly stats: BigIntStats;
}

/** Tries once, without waiting, to lock the file at the lock's path. `create` makes it when it is missing. */
export function lockAt(place: Place, create: boolean): Locked | NotLocked {
  const { path } = place;
  // Before there is a file: without locks none must be left.
  const { tryLock } = nativeLocks(path);
  for (let replaced = 0; replaced < maxLockReplacements; replaced++) {
    const fd = openLockFile(place, create);
    if (fd === undefined) return { kind: 'absent' };
    let keep = false;
    try {
      assertOurs(fd, path);
      if (!tryLock(fd)) return busy(readText(fd, maxRecordBytes));
      const stats = fstatSync(fd, { bigint: true });
      // I1: an owner removes its lock file before it lets go, so ours may be one that no name leads to any more.
      if (!isLinked(place, stats)) continue;
      keep = true;
      return { kind: 'locked', fd, stats };
    } catch (error) {
      // This very call may have made it.
      if (create) discardEmpty(place, fd);
      throw systemError(error, path, `lock the file ${path}.lock`);
    } finally {
      if (!keep) closeAnyway(fd);
    }
  }
  return busy('');
}

/** The same for a descriptor that was inherited with its lock. Undefined if it was not; it is closed then. */
export function lockInherited(place: Place, fd: number): BigIntStats | undefined {
  let keep = false;
  try {
    // What is inherited is the same lock: to try it again succeeds, and fails only if it is somebody else's.
    if (!nativeLocks(place.path).tryLock(fd)) return undefined;
    const stats = fstatSync(fd, { bigint: true });
    keep = isLinked(place, stats);
    return keep ? stats : undefined;
  } finally {
    if (!keep) closeAnyway(fd);
  }
}

/** Reads the record at a lock's path without locking: who the owner is, or was. */
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

/** The record is read now, and understood when someone asks: those who wait for an owner come again and again. */
function busy(text: string): NotLocked {
  return {
    kind: 'busy',
    get record() {
      return parseRecord(text);
    },
  };
}

/** Opens the lock file; `create` makes it when it is missing. Undefined if there is none. What it is tells {@link assertOurs}. */
function openLockFile({ directory, names, path }: Place, create: boolean): number | undefined {
  // Not to block on a FIFO, not to follow a link, not to become anybody's terminal.
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

/** Never lock, write or remove a file that only happens to have this name. */
function assertOurs(fd: number, path: string): void {
  const stats = fstatSync(fd, { bigint: true });
  const foreign = () => foreignFile(path, `${path}.lock`, stats);
  if (!stats.isFile() || Number(stats.uid) !== ownUid()) throw foreign();
  // Its other name is somebody else's business: what we write here would be in that file, too.
  if (stats.nlink > 1n) throw foreignFile(path, `${path}.lock`, stats, ', under more than one name');
  if (stats.size > 0n) {
    if (!looksLikeRecord(readText(fd, recordMagic.length))) throw foreign();
    return;
  }
  // Empty: ours if it was made with our mode. A umask may have taken bits from it, an ordinary `touch` adds some.
  if (Number(stats.mode) & 0o177) throw foreign();
  if ((Number(stats.mode) & 0o777) !== lockMode) fchmodSync(fd, lockMode);
}

/** Whether the path of the lock leads to an open file. */
function isLinked({ directory, names }: Place, stats: BigIntStats): boolean {
  const linked = lstatIfThere(directory.at(names.lock));
  return linked !== undefined && sameFile(identityOf(linked), identityOf(stats));
}

/** Removes an empty lock file, under its lock as any: a failed acquire leaves nothing. Best effort, since something has failed. */
function discardEmpty(place: Place, fd: number): void {
  try {
    assertOurs(fd, place.path);
    const stats = fstatSync(fd, { bigint: true });
    if (stats.size === 0n && isFree(fd, place.path) && isLinked(place, stats))
      unlinkSync(place.directory.at(place.names.lock));
  } catch {
    // What failed first is told. The next claim takes an empty file for its own.
  }
}

function isFree(fd: number, path: string): boolean {
  try {
    return nativeLocks(path).tryLock(fd);
  } catch (error) {
    // Where there are no locks nobody holds one.
    if (errnoOf(error) === 'ENOLCK') return true;
    throw error;
  }
}
