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
 * The pids of a server's living processes. They are its group and session, if the leader is the process of the record,
 * and the processes that hold the leash, such as one that went into the background.
 */
export function livingOf(server: ServerProcesses): number[] {
  return new Pack(server, false).look().map(({ pid }) => pid);
}

/**
 * Ends a server. Sends the signal to all its processes, and SIGKILL to those that are left after a while or appear
 * later. Resolves when none is alive. It does not wait for processes that the system does not let us end.
 *
 * @param graceMs - milliseconds until SIGKILL
 * @param justEnded - whether the leader was a child of this process whose `exit` is being reported in this tick. Its
 * group then contains only what it left, although the leader can no longer prove that
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
      // A stopped process would receive the signal only when it continues.
      pack.send('SIGCONT', living);
      told = true;
    } else if (performance.now() >= deadline) pack.send('SIGKILL', living);
    const left = deadline - performance.now();
    await untilEnded(living, left > 0 ? left : processLongestPauseMs);
  }
}

/** Waits for these processes only, for at most `ms` milliseconds. That is far faster than looking at all processes. */
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

/** Kills a server's processes without waiting for their end, for an exit. Never throws. */
export function killProcesses(server: ServerProcesses): void {
  try {
    const pack = new Pack(server, false);
    for (let look = 0; look < processLooksAtExit; look++) {
      const living = pack.look();
      if (living.length === 0) return;
      pack.send('SIGKILL', living);
    }
  } catch {
    // The next owner ends them from the record.
  }
}
