import { writeSync } from 'node:fs';
import { errnoOf } from '../system-errors.js';
import type { EndpointLock } from './lock.js';
import { killOrphans, reclaim } from './reclaim.js';
import { readRecord } from './record.js';

/** Locks that this thread holds, with the path of their endpoint. What exit has to clean up is exactly this. */
const held = new Map<EndpointLock, string>();

let listening = false;

/**
 * Has the files of a held lock removed when the process or worker exits without having let go of it. The same code that
 * repairs after a dead owner does it, from the same record, so exit can come at any instant of a start or a stop.
 */
export function cleanUpAtExit(lock: EndpointLock, path: string): void {
  if (!listening) {
    listening = true;
    process.on('exit', cleanUp);
  }
  held.set(lock, path);
}

/** The lock was let go of in the ordinary way. */
export function cleanedUp(lock: EndpointLock): void {
  held.delete(lock);
}

function cleanUp(): void {
  for (const [lock, path] of held) {
    try {
      // Whether or not the lock's name still leads to it: what its record names is ours, or a dead owner's.
      const record = readRecord(lock.fd);
      killOrphans(record);
      reclaim(lock, path, record);
      lock.remove();
    } catch (error) {
      // The next owner repairs it from the record. Exit cannot wait, and the other endpoints still have their turn.
      warn(`sockref could not remove the files of ${path} at exit: ${errnoOf(error) ?? String(error)}`);
    }
  }
  held.clear();
}

/** A warning of Node is shown in the next tick, and there is none any more. */
function warn(message: string): void {
  try {
    writeSync(2, `(node:${process.pid}) SockrefWarning: ${message}\n`);
  } catch {
    // Nobody reads it; there is nowhere else to say it.
  }
}
