import { type Finding, query } from '../control/inspect.js';
import { requestStop } from '../control/stop.js';
import { unresponsive } from '../control/unresponsive.js';
import { SocketReferenceError } from '../errors/error.js';
import type { Place } from '../files/place.js';
import { stopAnswerMs, stopPauseMs, stopSilenceMs } from '../protocol/constants.js';

/**
 * Ends a socket that a command serves, at once and for everybody who holds it; waits until its server has ended and every
 * file is gone. False if there is none, or another process serves it itself.
 *
 * @throws SocketReferenceError `ERR_SOCKREF_OWNER_UNRESPONSIVE`, or what its keeper could not end or remove
 */
export async function stopCommand(place: Place): Promise<boolean> {
  const deadline = performance.now() + stopSilenceMs;
  for (;;) {
    const finding = await query(place, stopAnswerMs);
    if (!mayBeCommand(finding)) return false;
    // Not at once: what is on its way in or out has no control socket for a moment.
    if (finding.kind === 'silent' && (finding.connected || performance.now() > deadline)) {
      throw noAnswer(place, finding.record?.pid);
    }
    if ((await requestStop(place, true, Number.POSITIVE_INFINITY)) === 'stopped') return true;
    // Starting, ending, or another keeper has taken over: what it is now decides.
    await new Promise((resolve) => setTimeout(resolve, stopPauseMs));
  }
}

/** Whether it is one that a keeper owns, or is too early or late to tell. */
function mayBeCommand(finding: Finding): finding is Extract<Finding, { kind: 'answered' | 'silent' }> {
  if (finding.kind === 'answered') return finding.holders.server !== undefined;
  if (finding.kind !== 'silent') return false;
  const { connected, record } = finding;
  return (record?.servers.length ?? 0) > 0 || !(connected || record?.stopping);
}

/** The error for an owner that lives and does not answer. */
export function noAnswer({ path }: Place, pid: number | undefined): SocketReferenceError {
  const what = `did not answer within ${stopAnswerMs} ms`;
  if (pid !== undefined) return unresponsive(path, what, stopAnswerMs, { pid });
  const message = `The owner of ${path} ${what}, and which process that is is not known; try again`;
  return new SocketReferenceError('ERR_SOCKREF_OWNER_UNRESPONSIVE', message, { path, timeoutMs: stopAnswerMs });
}
