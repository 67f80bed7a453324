import type { EventEmitter } from 'node:events';

// biome-ignore lint/suspicious/noExplicitAny: as an emitter has them.
type Call = (...args: any[]) => void;

const shared = new WeakMap<EventEmitter, Map<string, Set<Call>>>();
const listeners = new WeakMap<Set<Call>, Call>();

/**
 * Listens to an event of an object of the user, before all other listeners. Returns a function that undoes that. For
 * any number of endpoints the object has one listener of ours, because Node warns of a leak from the eleventh on.
 */
export function listenFirst(emitter: EventEmitter, event: string, call: Call): () => void {
  const events = shared.get(emitter) ?? new Map<string, Set<Call>>();
  shared.set(emitter, events);
  const calls = events.get(event) ?? begin(emitter, event);
  events.set(event, calls);
  calls.add(call);
  return () => {
    if (!calls.delete(call) || calls.size > 0) return;
    events.delete(event);
    emitter.off(event, listeners.get(calls) as Call);
  };
}

function begin(emitter: EventEmitter, event: string): Set<Call> {
  const calls = new Set<Call>();
  const listener = (...args: unknown[]): void => {
    for (const call of calls) call(...args);
  };
  listeners.set(calls, listener);
  emitter.prependListener(event, listener);
  return calls;
}
