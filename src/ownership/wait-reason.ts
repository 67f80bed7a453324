import type { OutputPlace } from '../files/file-end.js';
import { type NotLocked, peekRecord } from '../files/locking.js';
import type { Place } from '../files/place.js';
import type { OwnerRecord } from '../files/record.js';

// What a claim waits for, for messages only. Nothing is decided from it, and it is looked up only when needed.

/** What a claim is waiting for, for the error when its time is over. */
export interface WaitReason {
  readonly waitingFor: string;
  /** The process that holds the lock, if it is known. */
  readonly pid: number | undefined;
  /** When that process started, if it is known. */
  readonly start?: string | undefined;
  /** Where the output of a server is that does not become ready. */
  readonly output?: OutputPlace;
}

/** The owner that accepted our connection. */
export function ownerToAnswer(place: Place): WaitReason {
  return {
    waitingFor: 'the owner to answer',
    // Looked up only when needed: usually the owner answers at once.
    get pid() {
      return ownerRecord(place)?.pid;
    },
    get start() {
      return ownerRecord(place)?.start;
    },
  };
}

/** The owner that holds the lock. */
export function heldBy(taken: Extract<NotLocked, { kind: 'busy' }>, to: 'start' | 'end'): WaitReason {
  let known: WaitReason | undefined;
  const look = (): WaitReason => {
    if (known) return known;
    const { record } = taken;
    const pid = record?.pid;
    const who = pid === undefined ? '' : ` (pid ${pid})`;
    known = record?.stopping
      ? // It is alive and well; only its clients take their time.
        { waitingFor: `the last connections of the previous owner${who} to end`, pid: undefined }
      : { waitingFor: `the owner${who} to ${to}`, pid, start: record?.start };
    return known;
  };
  return {
    get waitingFor() {
      return look().waitingFor;
    },
    get pid() {
      return look().pid;
    },
    get start() {
      return look().start;
    },
  };
}

/** What the record says about the owner, for messages only. */
function ownerRecord(place: Place): OwnerRecord | undefined {
  try {
    return peekRecord(place);
  } catch {
    // It would only improve a message. What is wrong with the file is reported when it is locked.
    return undefined;
  }
}
