import type { Place } from '../files/place.js';
import { failureFrom } from './failure.js';
import { askOwner, connectToOwner } from './to-owner.js';

/**
 * The outcome of a request to stop. `stopped`: the endpoint ended. `gone`: no owner answered, or it went without having
 * stopped. `timeout`: the time was over.
 */
export type StopOutcome = 'stopped' | 'gone' | 'timeout';

/**
 * Asks the owner of an endpoint to end it, when it is unused or (`force`) at once, and waits until every file is
 * removed.
 *
 * @throws SocketReferenceError what the owner could not end or remove, or why this process could not ask it
 */
export async function requestStop(place: Place, force: boolean, timeoutMs: number): Promise<StopOutcome> {
  const socket = await connectToOwner(place, `ask the owner of ${place.path}`);
  // An owner that accepts no connection has ended, is ending or is busy. The caller looks again.
  if (typeof socket === 'string') return 'gone';
  const reply = await askOwner(socket, { type: 'stop', force }, ({ type }) => type === 'bye', timeoutMs);
  if (reply.kind === 'late') return 'timeout';
  if (reply.kind !== 'answered' || reply.message.type !== 'bye') return 'gone';
  const { failed } = reply.message;
  if (failed) throw failureFrom(failed, place.path);
  return 'stopped';
}
