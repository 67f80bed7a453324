import { type BigIntStats, fchmodSync, fstatSync, ftruncateSync, unlinkSync } from 'node:fs';
import { errnoOf } from '../errors/system.js';
import { lockMode, maxRecordBytes } from '../protocol/constants.js';
import { closeAnyway } from './close.js';
import { readText, writeText } from './descriptor-text.js';
import { addHeldLock, removeHeldLock } from './held-locks.js';
import { type Identity, identityOf, lstatIfThere, sameFile } from './identity.js';
import { killOrphans, reclaim } from './leftovers.js';
import { lockAt, lockInherited, type NotLocked } from './locking.js';
import { modeBits } from './mode.js';
import { nativeLocks } from './native-locks.js';
import type { Place } from './place.js';
import {
  assertRecordFits,
  type OwnerRecord,
  parseRecord,
  type RecordEntry,
  recordHeader,
  recordLines,
} from './record.js';

/** The outcome of an attempt to take a lock. */
export type LockAttempt = { readonly kind: 'held'; readonly lock: LockFile } | NotLocked;

/**
 * The lock file of an endpoint, locked by this process. It owns the lock, the record in the file, and the clean-up at
 * exit. The owner is the process that holds the lock on the inode at the lock's path (I1). The kernel releases the lock
 * when the process dies. The exit cleans up after a lock file exactly as long as its descriptor is open: this object
 * enters and leaves the list of the exit in the synchronous step that opens or closes the descriptor.
 */
export class LockFile {
  readonly place: Place;
  /** Whether the file had no record when it was locked: no dead owner left anything. */
  readonly wasEmpty: boolean;
  #fd: number;
  #identity: Identity;
  /** How many bytes the file must have: no other program writes to it. */
  #length: number;
  #open = true;
  /** The file that a failed {@link LockFile.retake} left at the lock's path. It is ours, not a rival's. */
  #unfinished: Identity | undefined;

  private constructor(place: Place, fd: number, stats: BigIntStats) {
    this.place = place;
    this.wasEmpty = stats.size === 0n;
    this.#fd = fd;
    this.#identity = identityOf(stats);
    this.#length = Number(stats.size);
    place.directory.retain();
    addHeldLock(this);
  }

  /** Tries once, without waiting. `create` creates a missing lock file. */
  static attempt(place: Place, create: boolean): LockAttempt {
    const locked = lockAt(place, create);
    return locked.kind === 'locked' ? { kind: 'held', lock: new LockFile(place, locked.fd, locked.stats) } : locked;
  }

  /**
   * Takes over a lock that another process of ours holds and passed to this one as an open descriptor. Returns
   * undefined, and closes the descriptor, if there is no such lock or the lock's path does not lead to it any more.
   */
  static adopt(place: Place, fd: number): LockFile | undefined {
    const stats = lockInherited(place, fd);
    return stats && new LockFile(place, fd, stats);
  }

  /** The descriptor, for a process that inherits the lock. */
  get fd(): number {
    return this.#fd;
  }

  /**
   * Whether the descriptor still leads to the locked file. Descriptors belong to the whole process: any code in it can
   * close one.
   */
  isOpen(): boolean {
    if (!this.#open) return false;
    try {
      return sameFile(identityOf(fstatSync(this.#fd, { bigint: true })), this.#identity);
    } catch (error) {
      if (errnoOf(error) === 'EBADF') return false;
      throw error;
    }
  }

  /**
   * Whether the lock's path still leads to our file. Our owner can {@link LockFile.retake} a missing one. A replaced
   * one means that this owner was deposed.
   */
  check(): 'linked' | 'missing' | 'replaced' {
    const { directory, names } = this.place;
    const linked = lstatIfThere(directory.at(names.lock));
    if (!linked) return 'missing';
    const file = identityOf(linked);
    if (sameFile(file, this.#identity)) return 'linked';
    return this.#unfinished && sameFile(file, this.#unfinished) ? 'missing' : 'replaced';
  }

  /** Restores the mode of the file. Returns the changed mode and the restored one, or undefined if it was right. */
  restoreMode(): { readonly from: number; readonly to: number } | undefined {
    const mode = fstatSync(this.#fd).mode & modeBits;
    if (mode === lockMode) return undefined;
    fchmodSync(this.#fd, lockMode);
    return { from: mode, to: lockMode };
  }

  /**
   * Takes the lock again after its file was removed: with a new file and a new record in place of the lost ones.
   * Returns false if another process took it first. After a failure the lost file stays the held one until the next
   * call.
   *
   * @param entries - the lines of the new record
   * @param tell - called with the reason if the new file could not be removed after a failure
   */
  retake(entries: () => readonly RecordEntry[], tell: (error: unknown) => void): boolean {
    const attempt = LockFile.attempt(this.place, true);
    if (attempt.kind !== 'held') return false;
    const taken = attempt.lock;
    // From here on two files are held, and the exit cleans up after both.
    this.#unfinished = taken.#identity;
    let reclaimed = false;
    let isOpen = false;
    try {
      // Another process may have been the owner in between, and died.
      const record = taken.record();
      killOrphans(record);
      reclaim(taken, record);
      reclaimed = true;
      taken.begin(...entries());
      // If other code closed the lost file's descriptor, its number may belong to another file now.
      isOpen = this.isOpen();
    } catch (error) {
      // An empty file would only invite others. A record that names what a dead owner left must stay.
      if (reclaimed) tellOf(() => taken.remove(), tell);
      taken.release();
      throw error;
    }
    this.#unfinished = undefined;
    this.#exchange(taken);
    if (isOpen) taken.release();
    else taken.#forget();
    return true;
  }

  /** Both stay in the list of the exit: each has an open descriptor before and after. */
  #exchange(other: LockFile): void {
    [this.#fd, other.#fd] = [other.#fd, this.#fd];
    [this.#identity, other.#identity] = [other.#identity, this.#identity];
    [this.#length, other.#length] = [other.#length, this.#length];
  }

  /** The record in the file. It is a dead owner's until this process begins its own. */
  record(): OwnerRecord | undefined {
    return parseRecord(readText(this.#fd, maxRecordBytes));
  }

  /** Begins the record of this process, in place of a dead owner's. */
  begin(...entries: readonly RecordEntry[]): void {
    // Only if needed: ext4 takes a truncation for the start of a replacement, and begins to write the file to disk.
    if (fstatSync(this.#fd).size > 0) ftruncateSync(this.#fd, 0);
    this.#length = 0;
    this.#append(0, [recordHeader(Date.now()), ...entries]);
  }

  /** Adds lines. Called before the named things exist, so that a crash leaves nothing that no record names. */
  append(...entries: readonly RecordEntry[]): void {
    this.#append(fstatSync(this.#fd).size, entries);
  }

  /**
   * Replaces a long record by the lines that still count. It overwrites the beginning first and truncates then: after a
   * crash in between, old lines follow the new ones, and they name what no longer exists.
   */
  shorten(since: number, entries: readonly RecordEntry[]): void {
    if (this.#length >= maxRecordBytes / 2) this.#replace(since, entries);
  }

  /**
   * Writes the record again if another program has emptied, cut off or extended it: without its record, what a killed
   * owner left would stay. Returns whether that was necessary.
   */
  restoreRecord(since: number, entries: () => readonly RecordEntry[]): boolean {
    if (fstatSync(this.#fd).size === this.#length) return false;
    this.#replace(since, entries());
    return true;
  }

  #replace(since: number, entries: readonly RecordEntry[]): void {
    const lines = recordLines([recordHeader(since), ...entries]);
    writeText(this.#fd, lines, 0);
    ftruncateSync(this.#fd, lines.length);
    this.#length = lines.length;
  }

  /** Empties the record before the lock is passed to another process. */
  clear(): void {
    ftruncateSync(this.#fd, 0);
    this.#length = 0;
  }

  #append(size: number, values: readonly object[]): void {
    const lines = recordLines(values);
    assertRecordFits(size + lines.length);
    try {
      writeText(this.#fd, lines, size);
    } catch (error) {
      // A full disk may accept some of the lines before it refuses the rest. The next line must not be lost behind a
      // torn one.
      ftruncateSync(this.#fd, size);
      throw error;
    }
    this.#length += lines.length;
  }

  /** Removes the lock file, if it is still ours, and then releases the lock (I2). Idempotent. */
  remove(): void {
    if (!this.#open) return;
    const { directory, names } = this.place;
    try {
      if (this.check() === 'linked') unlinkSync(directory.at(names.lock));
    } finally {
      this.release();
    }
  }

  /**
   * Leaves the lock to a process that inherited its descriptor. Closes it without unlocking: the lock is never free.
   */
  handOver(): void {
    if (this.#open) this.#close();
  }

  /** Releases the lock and leaves the file. Idempotent. */
  release(): void {
    if (!this.#open) return;
    try {
      // Unlocks, not only closes: a copy of the descriptor in a child would keep the lock.
      nativeLocks(this.place.path).unlock(this.#fd);
    } catch (error) {
      // Closing unlocks it as well, unless there is such a copy. The release of a lock must not stop half way.
      if (errnoOf(error) === undefined) throw error;
    } finally {
      this.#close();
    }
  }

  /** Forgets a descriptor that other code closed. Neither reads nor closes the file that has its number now. */
  #forget(): void {
    this.#open = false;
    removeHeldLock(this);
    this.place.directory.release();
  }

  /** After the close, another file, perhaps another thread's, may have the number: forget it before. */
  #close(): void {
    this.#open = false;
    removeHeldLock(this);
    try {
      closeAnyway(this.#fd);
    } finally {
      this.place.directory.release();
    }
  }
}

function tellOf(work: () => void, tell: (error: unknown) => void): void {
  try {
    work();
  } catch (error) {
    tell(error);
  }
}
