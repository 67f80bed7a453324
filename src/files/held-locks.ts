import { writeSync } from 'node:fs';
import { errnoOf } from '../errors/system.js';
import { printable } from '../printable.js';
import { atExit } from '../processes/at-exit.js';
import { killOrphans, reclaim } from './leftovers.js';
import type { LockFile } from './lock-file.js';

/** Locks that this thread holds, each with its descriptor open. What exit has to clean up is exactly this. */
const held = new Set<LockFile>();

let listening = false;

/**
 * Has the files of a lock removed when the process or worker exits without having let go of it. The same code that
 * repairs after a dead owner does it, from the same record, so exit can come at any instant of a start or a stop.
 *
 * Only a lock itself enters and leaves, in the synchronous step in which its descriptor is opened or closed.
 */
export function heldFromNow(lock: LockFile): void {
  if (!listening) {
    listening = true;
    atExit(cleanUp);
  }
  held.add(lock);
}

/** The descriptor is about to be closed. */
export function heldNoMore(lock: LockFile): void {
  held.delete(lock);
}

function cleanUp(): void {
  for (const lock of held) {
    try {
      cleanUpOne(lock);
    } catch (error) {
      // The next owner repairs it from the record. Exit cannot wait, and the other endpoints still have their turn.
      warn(`sockref could not remove the files of ${lock.place.path} at exit: ${errnoOf(error) ?? String(error)}`);
    }
  }
}

function cleanUpOne(lock: LockFile): void {
  if (!lock.isOpen()) {
    // Its number may be another thread's by now, with another owner's record behind it: neither read nor close it.
    heldNoMore(lock);
    throw new Error(
      'something in this process closed a descriptor that is not its own; the next acquire removes the files',
    );
  }
  try {
    // Whether or not the lock's name still leads to it: what its record names is ours, or a dead owner's.
    const record = lock.record();
    killOrphans(record);
    reclaim(lock, record);
    lock.remove();
  } finally {
    // A worker's process lives on, and would hold the lock.
    lock.release();
  }
}

/** A warning of Node is shown in the next tick, and there is none any more. */
function warn(message: string): void {
  try {
    writeSync(2, `(node:${process.pid}) SockrefWarning: ${printable(message)}\n`);
  } catch {
    // Nobody reads it; there is nowhere else to say it.
  }
}
