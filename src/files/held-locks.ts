import { writeSync } from 'node:fs';
import { errnoOf } from '../errors/system.js';
import { printable } from '../printable.js';
import { atExit } from '../processes/at-exit.js';
import { killOrphans, reclaim } from './leftovers.js';
import type { LockFile } from './lock-file.js';

/** The locks that this thread holds, each with its descriptor open. The exit cleans up exactly these. */
const held = new Set<LockFile>();

let listening = false;

/**
 * Adds a lock to the list, so that its files are removed if the process or worker exits without releasing it. The exit uses
 * the same code and the same record as the repair after a dead owner, so it can come at any moment of a start or a
 * stop. Only a lock itself adds and removes itself here, in the synchronous step that opens or closes its descriptor.
 */
export function addHeldLock(lock: LockFile): void {
  if (!listening) {
    listening = true;
    atExit(cleanUp);
  }
  held.add(lock);
}

/** Removes a lock from the list. Its descriptor is about to be closed. */
export function removeHeldLock(lock: LockFile): void {
  held.delete(lock);
}

function cleanUp(): void {
  for (const lock of held) {
    try {
      cleanUpOne(lock);
    } catch (error) {
      // The next owner cleans up from the record. The exit cannot wait, and the other endpoints still need their turn.
      warn(`sockref could not remove the files of ${lock.place.path} at exit: ${errnoOf(error) ?? String(error)}`);
    }
  }
}

function cleanUpOne(lock: LockFile): void {
  if (!lock.isOpen()) {
    // By now another thread may use the descriptor's number, for another owner's record: do not read or close it.
    removeHeldLock(lock);
    throw new Error('other code in this process closed a descriptor of sockref; the next acquire removes the files');
  }
  try {
    // Even if the lock's name leads elsewhere: what its record names belongs to us or to a dead owner.
    const record = lock.record();
    killOrphans(record);
    reclaim(lock, record);
    lock.remove();
  } finally {
    // The process of a worker lives on, and would keep the lock.
    lock.release();
  }
}

/** Node shows a warning in the next tick, and at exit there is none. */
function warn(message: string): void {
  try {
    writeSync(2, `(node:${process.pid}) SockrefWarning: ${printable(message)}\n`);
  } catch {
    // stderr cannot be written, and there is no other place to report it.
  }
}
