import type { Clock } from '../clock.js';
import { errnoOf } from '../errors/system.js';

/** A child that leads its own process group. */
export interface Leader {
  readonly pid: number;
  /** Resolves in the tick in which its parent learns of its end. */
  readonly exited: Promise<unknown>;
}

/**
 * Ends a child and its group where the system does not list processes. Until the parent has learnt of the child's end,
 * its pid is not reused. Processes that outlive the child are not seen, and are left.
 *
 * @param graceMs - milliseconds until SIGKILL
 */
export async function endChild(
  { pid, exited }: Leader,
  signal: NodeJS.Signals,
  graceMs: number,
  clock: Clock,
): Promise<void> {
  let ended = false;
  const gone = exited.then(() => {
    ended = true;
  });
  const send = (which: NodeJS.Signals): void => {
    if (!ended) sendToGroup(pid, which);
  };
  send(signal);
  const timer = clock.after(graceMs, () => send('SIGKILL'));
  await gone;
  timer.cancel();
}

function sendToGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // The child has ended, and we are about to learn of it. macOS reports a group of ended processes as not permitted.
    if (errnoOf(error) !== 'ESRCH' && errnoOf(error) !== 'EPERM') throw error;
  }
}
