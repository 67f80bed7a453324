import type { Clock } from '../clock.js';
import { errnoOf } from '../errors/system.js';

/** A child that leads a group of its own. */
export interface Leader {
  readonly pid: number;
  /** Resolves in the tick in which its parent hears of its end. */
  readonly exited: Promise<unknown>;
}

/**
 * Ends a child and its group where nobody tells about processes. Until its parent has heard of its end its number is its own;
 * what outlives it is not seen, and left.
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
    // It has ended, and we are about to hear of it; macOS calls a group of the dead not permitted.
    if (errnoOf(error) !== 'ESRCH' && errnoOf(error) !== 'EPERM') throw error;
  }
}
