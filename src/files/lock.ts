import { type BigIntStats, constants, fchmodSync, fstatSync, openSync, unlinkSync } from 'node:fs';
import { errnoOf, systemError } from '../system-errors.js';
import { closeAnyway } from './close.js';
import type { Directory } from './directory.js';
import { foreignFile } from './foreign.js';
import { heldFromNow, heldNoMore } from './held-locks.js';
import { type Identity, identityOf, lstatIfThere, sameFile } from './identity.js';
import { nativeLocks } from './native-locks.js';
import { ownUid } from './platform.js';
import {
  looksLikeRecord,
  maxRecordBytes,
  type OwnerRecord,
  parseRecord,
  readRecord,
  readText,
  recordMagic,
} from './record.js';

/** What came of trying to take a lock. */
export type LockAttempt =
  | { readonly kind: 'held'; readonly lock: EndpointLock }
  /** Someone else holds it; the record says who, once it is written. */
  | { readonly kind: 'busy'; readonly record: OwnerRecord | undefined }
  /** There is no lock file, and none was to be made. */
  | { readonly kind: 'absent' };

/** How often the lock file may be replaced between our open and our lock before we call it busy and pause. */
const maxReplacements = 32;

/**
 * The lock of an endpoint, held by this process: whoever holds it on the inode that is linked at the lock's path is the
 * one owner (I1). The kernel drops it when the process dies.
 */
export class EndpointLock {
  readonly directory: Directory;
  readonly name: string;
  /** The path of the endpoint. */
  readonly path: string;
  readonly fd: number;
  readonly identity: Identity;
  /** Whether there was no record in it when it was taken: nobody who has died has left anything. */
  readonly wasEmpty: boolean;
  #open = true;

  private constructor(directory: Directory, name: string, path: string, fd: number, stats: BigIntStats) {
    this.directory = directory.retain();
    this.name = name;
    this.path = path;
    this.fd = fd;
    this.identity = identityOf(stats);
    this.wasEmpty = stats.size === 0n;
    heldFromNow(this);
  }

  /** Tries once, without waiting. `create` makes the lock file when it is missing. */
  static attempt(directory: Directory, name: string, path: string, create: boolean): LockAttempt {
    // Before there is a file: without locks none must be left.
    const { tryLock } = nativeLocks(path);
    for (let replaced = 0; replaced < maxReplacements; replaced++) {
      const fd = openLockFile(directory, name, path, create);
      if (fd === undefined) return { kind: 'absent' };
      let keep = false;
      try {
        assertOurs(fd, path);
        if (!tryLock(fd)) return busy(readText(fd, maxRecordBytes));
        const stats = fstatSync(fd, { bigint: true });
        // I1: an owner removes its lock file before it lets go, so ours may be one that no name leads to any more.
        if (!isLinked(directory, name, stats)) continue;
        keep = true;
        return { kind: 'held', lock: new EndpointLock(directory, name, path, fd, stats) };
      } catch (error) {
        // This very call may have made it.
        if (create) discardEmpty(directory, name, path, fd);
        throw systemError(error, path, `lock the file ${path}.lock`);
      } finally {
        if (!keep) closeAnyway(fd);
      }
    }
    return busy('');
  }

  /**
   * Takes a lock over that another process of ours holds and handed to this one as an open descriptor. Undefined if there
   * is no such lock, or the lock's path does not lead to it any more; the descriptor is closed then.
   */
  static adopt(directory: Directory, name: string, path: string, fd: number): EndpointLock | undefined {
    let keep = false;
    try {
      // What is inherited is the same lock: to try it again succeeds, and fails only if it is somebody else's.
      if (!nativeLocks(path).tryLock(fd)) return undefined;
      const stats = fstatSync(fd, { bigint: true });
      if (!isLinked(directory, name, stats)) return undefined;
      keep = true;
      return new EndpointLock(directory, name, path, fd, stats);
    } finally {
      if (!keep) closeAnyway(fd);
    }
  }

  /** Whether the descriptor is still the file that was locked: descriptors belong to the whole process, and anything in it can close one. */
  isOpen(): boolean {
    if (!this.#open) return false;
    try {
      return sameFile(identityOf(fstatSync(this.fd, { bigint: true })), this.identity);
    } catch (error) {
      if (errnoOf(error) === 'EBADF') return false;
      throw error;
    }
  }

  /** Whether the lock's path still leads to the file that we hold. If not, this owner has been deposed, or must repair it. */
  check(): 'linked' | 'missing' | 'replaced' {
    const linked = lstatIfThere(this.directory.at(this.name));
    if (!linked) return 'missing';
    return sameFile(identityOf(linked), this.identity) ? 'linked' : 'replaced';
  }

  /** Removes the lock file, if it still is ours, and lets go of the lock, in this order (I2). Idempotent. */
  remove(): void {
    if (!this.#open) return;
    try {
      if (this.check() === 'linked') unlinkSync(this.directory.at(this.name));
    } finally {
      this.release();
    }
  }

  /** Leaves the lock to a process that has inherited its descriptor. Closed, not unlocked: at no moment is it free. */
  handOver(): void {
    if (this.#open) this.#close();
  }

  /** Lets go of the lock and leaves the file. Idempotent. */
  release(): void {
    if (!this.#open) return;
    try {
      // Unlocked, not only closed: a copy of the descriptor in a child would keep the lock.
      nativeLocks(this.name).unlock(this.fd);
    } catch (error) {
      // To close it unlocks it, too, but for such a copy. Whoever lets go of a lock must not stop half way.
      if (errnoOf(error) === undefined) throw error;
    } finally {
      this.#close();
    }
  }

  /** The number is somebody else's as soon as it is closed, perhaps another thread's: nothing may know it by then. */
  #close(): void {
    this.#open = false;
    heldNoMore(this);
    try {
      closeAnyway(this.fd);
    } finally {
      this.directory.release();
    }
  }
}

/** The record is read now, and understood when someone asks: those who wait for an owner come again and again. */
function busy(text: string): LockAttempt {
  return {
    kind: 'busy',
    get record() {
      return parseRecord(text);
    },
  };
}

/** Reads the record at a lock's path without locking: who the owner is, or was. */
export function peekRecord(directory: Directory, name: string, path: string): OwnerRecord | undefined {
  const fd = openLockFile(directory, name, path, false);
  if (fd === undefined) return undefined;
  try {
    assertOurs(fd, path);
    return readRecord(fd);
  } catch (error) {
    throw systemError(error, path, `read the lock file ${path}.lock`);
  } finally {
    closeAnyway(fd);
  }
}

/** Whether a name leads to an open file. */
function isLinked(directory: Directory, name: string, stats: BigIntStats): boolean {
  const linked = lstatIfThere(directory.at(name));
  return linked !== undefined && sameFile(identityOf(linked), identityOf(stats));
}

/** Removes an empty lock file, under its lock as any: a failed acquire leaves nothing. Best effort, since something has failed. */
function discardEmpty(directory: Directory, name: string, path: string, fd: number): void {
  try {
    assertOurs(fd, path);
    const stats = fstatSync(fd, { bigint: true });
    if (stats.size === 0n && isFree(fd, path) && isLinked(directory, name, stats)) unlinkSync(directory.at(name));
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

function openLockFile(directory: Directory, name: string, path: string, create: boolean): number | undefined {
  // Not to block on a FIFO, not to follow a link, not to become anybody's terminal.
  const flags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
  try {
    return openSync(directory.at(name), create ? flags | constants.O_CREAT : flags, 0o600);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' && !create) return undefined;
    const found = lstatIfThere(directory.at(name));
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
  if ((Number(stats.mode) & 0o777) !== 0o600) fchmodSync(fd, 0o600);
}
