import type { Place } from '../files/place.js';
import { failureFrom } from './failure.js';
import { askOwner, connectToOwner } from './to-owner.js';

/** What became of it: the endpoint ended; or nobody answered, or the owner went without an end; or time was over. */
export type StopOutcome = 'stopped' | 'gone' | 'timeout';

/**
 * Asks the owner of an endpoint to end it, when it is unused or at once, and waits until every file is gone.
 *
 * @throws SocketReferenceError what the owner could not end or remove
 */
export async function requestStop(place: Place, force: boolean, timeoutMs: number): Promise<StopOutcome> {
  // One that cannot be connected to has ended, or is about to; who asks looks at what there is then.
  const socket = await connectToOwner(place).catch(() => undefined);
  if (!socket) return 'gone';
  const reply = await askOwner(socket, { type: 'stop', force }, ({ type }) => type === 'bye', timeoutMs);
  if (reply.kind === 'late') return 'timeout';
  if (reply.kind !== 'answered' || reply.message.type !== 'bye') return 'gone';
  const { failed } = reply.message;
  if (failed) throw failureFrom(failed, place.path);
  return 'stopped';
}
