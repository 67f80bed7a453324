import { SocketReferenceError } from '../errors.js';
import type { Place } from '../files/place.js';
import { type Finding, query } from '../sharing/query.js';
import { requestStop } from '../sharing/stop-request.js';
import { unresponsive } from '../sharing/unresponsive.js';

/** How long an owner may take to say who holds its socket, in milliseconds. */
export const answerMs = 2_000;

/** Pause before an owner is asked again that was not there, or went without having stopped, in milliseconds. */
export const pauseMs = 50;

/** How long an owner may be on its way in, or out, without answering at all, in milliseconds: as long as an acquire waits. */
const silentMs = 20_000;

/**
 * Ends a socket that a command serves, at once and for everybody who holds it; waits until its server has ended and every
 * file is gone. False if there is none, or another process serves it itself.
 *
 * @throws SocketReferenceError `ERR_SOCKREF_OWNER_UNRESPONSIVE`, or what its keeper could not end or remove
 */
export async function stopCommand(place: Place): Promise<boolean> {
  const deadline = performance.now() + silentMs;
  for (;;) {
    const finding = await query(place, answerMs);
    if (!mayBeCommand(finding)) return false;
    // Not at once: what is on its way in or out has no control socket for a moment.
    if (finding.kind === 'silent' && (finding.connected || performance.now() > deadline)) {
      throw noAnswer(place, finding.record?.pid);
    }
    if ((await requestStop(place, true, Number.POSITIVE_INFINITY)) === 'stopped') return true;
    // Starting, ending, or another keeper has taken over: what it is now decides.
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
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
  const what = `did not answer within ${answerMs} ms`;
  if (pid !== undefined) return unresponsive(path, what, answerMs, { pid });
  const message = `The owner of ${path} ${what}, and which process that is is not known; try again`;
  return new SocketReferenceError('ERR_SOCKREF_OWNER_UNRESPONSIVE', message, { path, timeoutMs: answerMs });
}
