import { type Finding, query } from '../control/inspect.js';
import { requestStop } from '../control/stop.js';
import { unresponsive } from '../control/unresponsive.js';
import { SocketReferenceError } from '../errors/error.js';
import type { Place } from '../files/place.js';
import { stopAnswerMs, stopPauseMs, stopSilenceMs } from '../protocol/constants.js';
import { type Location, openPlace } from './locate.js';

/**
 * Ends a socket that a command serves, at once and for all its holders. Waits until the server has ended and every file
 * is removed. Returns false if there is no such socket, or if another process serves it without a command.
 *
 * @throws SocketReferenceError `ERR_SOCKREF_OWNER_UNRESPONSIVE`, or what the keeper could not end or remove
 */
export async function stopCommandAt(location: Location): Promise<boolean> {
  const place = openPlace(location);
  try {
    return await stopCommand(place);
  } finally {
    place.directory.release();
  }
}

async function stopCommand(place: Place): Promise<boolean> {
  const deadline = performance.now() + stopSilenceMs;
  for (;;) {
    const finding = await query(place, stopAnswerMs);
    if (!mayBeCommand(finding)) return false;
    // Only after a while: an owner that is starting or ending has no control socket for a moment.
    if (finding.kind === 'silent' && (finding.connected || performance.now() > deadline)) {
      throw noAnswer(place, finding.record?.pid);
    }
    if ((await requestStop(place, true, Number.POSITIVE_INFINITY)) === 'stopped') return true;
    // It is starting or ending, or another keeper has taken over. Look again.
    await new Promise((resolve) => setTimeout(resolve, stopPauseMs));
  }
}

/** Whether a keeper owns it, or it is too early or too late to tell. */
function mayBeCommand(finding: Finding): finding is Extract<Finding, { kind: 'answered' | 'silent' }> {
  if (finding.kind === 'answered') return finding.holders.server !== undefined;
  if (finding.kind !== 'silent') return false;
  const { connected, record } = finding;
  return (record?.servers.length ?? 0) > 0 || !(connected || record?.stopping);
}

/** The error for an owner that lives but does not answer. */
export function noAnswer({ path }: Place, pid: number | undefined): SocketReferenceError {
  const what = `did not answer within ${stopAnswerMs} ms`;
  if (pid !== undefined) return unresponsive(path, what, stopAnswerMs, { pid });
  const message = `The owner of ${path} ${what}, and its process id is not known; try again`;
  return new SocketReferenceError('ERR_SOCKREF_OWNER_UNRESPONSIVE', message, { path, timeoutMs: stopAnswerMs });
}
