import { type BigIntStats, fchmodSync, fstatSync, ftruncateSync, unlinkSync } from 'node:fs';
import { errnoOf } from '../errors/system.js';
import { lockMode, maxRecordBytes } from '../protocol/constants.js';
import { closeAnyway } from './close.js';
import { readText, writeText } from './descriptor-text.js';
import { heldFromNow, heldNoMore } from './held-locks.js';
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

/** What came of trying to take a lock. */
export type LockAttempt = { readonly kind: 'held'; readonly lock: LockFile } | NotLocked;

/**
 * The lock file of an endpoint, locked by this process: its lock, its record, and its clean-up at exit. The process that holds the
 * lock on the inode that is linked at the lock's path is the one owner (I1); the kernel drops the lock when the process dies.
 *
 * The exit cleans up after a lock file exactly as long as its descriptor is open: it enters and leaves the list of those in
 * the synchronous step in which the descriptor becomes or ceases to be this object's.
 */
export class LockFile {
  readonly place: Place;
  /** Whether there was no record in it when it was taken: no dead owner has left anything. */
  readonly wasEmpty: boolean;
  #fd: number;
  #identity: Identity;
  #open = true;
  /** What a {@link LockFile.retake} that failed has left at the lock's path: no rival's. */
  #unfinished: Identity | undefined;

  private constructor(place: Place, fd: number, stats: BigIntStats) {
    this.place = place;
    this.wasEmpty = stats.size === 0n;
    this.#fd = fd;
    this.#identity = identityOf(stats);
    place.directory.retain();
    heldFromNow(this);
  }

  /** Tries once, without waiting. `create` makes the lock file when it is missing. */
  static attempt(place: Place, create: boolean): LockAttempt {
    const locked = lockAt(place, create);
    return locked.kind === 'locked' ? { kind: 'held', lock: new LockFile(place, locked.fd, locked.stats) } : locked;
  }

  /**
   * Takes a lock over that another process of ours holds and handed to this one as an open descriptor. Undefined if there
   * is no such lock, or the lock's path does not lead to it any more; the descriptor is closed then.
   */
  static adopt(place: Place, fd: number): LockFile | undefined {
    const stats = lockInherited(place, fd);
    return stats && new LockFile(place, fd, stats);
  }

  /** The descriptor, for a process that inherits it. */
  get fd(): number {
    return this.#fd;
  }

  /** Whether the descriptor is still the file that was locked: descriptors belong to the whole process, and anything in it can close one. */
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
   * Whether the lock's path still leads to the file that we hold. One that is missing its owner can {@link LockFile.retake};
   * one that was replaced means that this owner has been deposed.
   */
  check(): 'linked' | 'missing' | 'replaced' {
    const { directory, names } = this.place;
    const linked = lstatIfThere(directory.at(names.lock));
    if (!linked) return 'missing';
    const file = identityOf(linked);
    if (sameFile(file, this.#identity)) return 'linked';
    return this.#unfinished && sameFile(file, this.#unfinished) ? 'missing' : 'replaced';
  }

  /** Gives the file its mode back. Says which one it had, if that was another. */
  restoreMode(): { readonly from: number; readonly to: number } | undefined {
    const mode = fstatSync(this.#fd).mode & modeBits;
    if (mode === lockMode) return undefined;
    fchmodSync(this.#fd, lockMode);
    return { from: mode, to: lockMode };
  }

  /**
   * Takes the lock again after its file was removed: with a new file and a new record, in place of those that were lost. False if
   * another process was quicker. After a failure the lost file goes on to be the one that is held, until the next call.
   *
   * @param entries - what the new record has to say
   * @param tell - told why the new file could not be taken back after a failure
   */
  retake(entries: () => readonly RecordEntry[], tell: (error: unknown) => void): boolean {
    const attempt = LockFile.attempt(this.place, true);
    if (attempt.kind !== 'held') return false;
    const taken = attempt.lock;
    // Two files are held from here on, and the exit cleans up after both.
    this.#unfinished = taken.#identity;
    let reclaimed = false;
    try {
      // Another process may have been owner in between, and be dead already.
      const record = taken.record();
      killOrphans(record);
      reclaim(taken, record);
      reclaimed = true;
      taken.begin(...entries());
    } catch (error) {
      // An empty file would only invite others; a record that names what a dead owner left is needed.
      if (reclaimed) tellOf(() => taken.remove(), tell);
      taken.release();
      throw error;
    }
    this.#unfinished = undefined;
    this.#exchange(taken);
    // What else closed the lost file's descriptor has left its number to others.
    if (taken.isOpen()) taken.release();
    else taken.#forget();
    return true;
  }

  /** Both stay in the list of the exit: each has an open descriptor before and after. */
  #exchange(other: LockFile): void {
    [this.#fd, other.#fd] = [other.#fd, this.#fd];
    [this.#identity, other.#identity] = [other.#identity, this.#identity];
  }

  /** The record in it; of a dead owner, until this process begins its own. */
  record(): OwnerRecord | undefined {
    return parseRecord(readText(this.#fd, maxRecordBytes));
  }

  /** Starts the record of this process, in place of a dead owner's. */
  begin(...entries: readonly RecordEntry[]): void {
    // Not without need: ext4 takes a truncation for the beginning of a replacement, and begins to write it to the disk.
    if (fstatSync(this.#fd).size > 0) ftruncateSync(this.#fd, 0);
    this.#append(0, [recordHeader(Date.now()), ...entries]);
  }

  /** Adds lines. Done before the things themselves, so that no crash leaves anything that no record names. */
  append(...entries: readonly RecordEntry[]): void {
    this.#append(fstatSync(this.#fd).size, entries);
  }

  /**
   * Shortens a record that has grown long to what still counts. Written over its beginning first, and cut off then: a crash
   * in between leaves old lines behind the new ones, and these name what is gone.
   */
  shorten(since: number, entries: readonly RecordEntry[]): void {
    if (fstatSync(this.#fd).size < maxRecordBytes / 2) return;
    const lines = recordLines([recordHeader(since), ...entries]);
    writeText(this.#fd, lines, 0);
    ftruncateSync(this.#fd, lines.length);
  }

  /** Empties the record before the lock is handed to another process. */
  clear(): void {
    ftruncateSync(this.#fd, 0);
  }

  #append(size: number, values: readonly object[]): void {
    const lines = recordLines(values);
    assertRecordFits(size + lines.length);
    try {
      writeText(this.#fd, lines, size);
    } catch (error) {
      // A full disk may take a part of the lines before it refuses the rest: the next line must not be lost behind it.
      ftruncateSync(this.#fd, size);
      throw error;
    }
  }

  /** Removes the lock file, if it still is ours, and lets go of the lock, in this order (I2). Idempotent. */
  remove(): void {
    if (!this.#open) return;
    const { directory, names } = this.place;
    try {
      if (this.check() === 'linked') unlinkSync(directory.at(names.lock));
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
      nativeLocks(this.place.path).unlock(this.#fd);
    } catch (error) {
      // To close it unlocks it, too, but for such a copy. To let go of a lock must not stop half way.
      if (errnoOf(error) === undefined) throw error;
    } finally {
      this.#close();
    }
  }

  /** Lets go of a descriptor that something else has closed: neither reads nor closes what has its number by now. */
  #forget(): void {
    this.#open = false;
    heldNoMore(this);
    this.place.directory.release();
  }

  /** The number is another file's as soon as it is closed, perhaps another thread's: nothing may know it by then. */
  #close(): void {
    this.#open = false;
    heldNoMore(this);
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
