import { setTimeout as pause } from 'node:timers/promises';
import {
  emptyProcessLooks,
  processFirstPauseMs,
  processLongestPauseMs,
  processLooksAtExit,
  processPauseGrowth,
} from '../protocol/constants.js';
import { mayEnd, Pack, type ServerProcesses } from './group.js';
import { type ProcessEntry, processEntry } from './table.js';

export type { ServerProcesses } from './group.js';
export { leashOf } from './leash.js';
export { startOf } from './table.js';

/**
 * The pids of a server's processes that live: its group and session, if the leader is the very process of the record,
 * and whoever holds the leash, as a process that went into the background does.
 */
export function livingOf(server: ServerProcesses): number[] {
  return new Pack(server, false).look().map(({ pid }) => pid);
}

/**
 * Ends a server: sends the signal to all its processes, and SIGKILL to those that are left after a while, and to those
 * that appear later. Resolves when none lives. Processes that the system does not let us end are not waited for.
 *
 * @param graceMs - milliseconds until SIGKILL
 * @param justEnded - whether the leader was a child of this process whose `exit` is being told in this very tick: then
 *   what is in its group is what it left there, although it cannot vouch for it any more
 */
export async function endProcesses(
  server: ServerProcesses,
  signal: NodeJS.Signals,
  graceMs: number,
  justEnded = false,
): Promise<void> {
  const pack = new Pack(server, justEnded);
  const deadline = performance.now() + graceMs;
  let told = false;
  for (let empty = 0; empty < emptyProcessLooks; ) {
    const living = pack.look().filter(({ pid }) => mayEnd(pid));
    if (living.length === 0) {
      empty++;
      await pause(processFirstPauseMs);
      continue;
    }
    empty = 0;
    if (!told) {
      pack.send(signal, living);
      // One that is stopped would hear of it only when it goes on.
      pack.send('SIGCONT', living);
      told = true;
    } else if (performance.now() >= deadline) pack.send('SIGKILL', living);
    const left = deadline - performance.now();
    await untilEnded(living, left > 0 ? left : processLongestPauseMs);
  }
}

/** Waits for these alone, which costs far less than to look for all, but no longer than so many milliseconds. */
async function untilEnded(entries: readonly ProcessEntry[], ms: number): Promise<void> {
  const end = performance.now() + ms;
  let wait = processFirstPauseMs;
  for (;;) {
    const left = end - performance.now();
    if (left <= 0 || !entries.some(isStillLiving)) return;
    await pause(Math.min(wait, left));
    wait = Math.min(wait * processPauseGrowth, processLongestPauseMs);
  }
}

function isStillLiving({ pid, start }: ProcessEntry): boolean {
  const now = processEntry(pid);
  return now?.start === start && !now.ended;
}

/** Kills a server's processes without waiting until they are gone, for what runs while a process exits. Never throws. */
export function killProcesses(server: ServerProcesses): void {
  try {
    const pack = new Pack(server, false);
    for (let look = 0; look < processLooksAtExit; look++) {
      const living = pack.look();
      if (living.length === 0) return;
      pack.send('SIGKILL', living);
    }
  } catch {
    // Whoever comes next ends them from the record.
  }
}
