import timers from 'node:timers';
import type { ReferenceState } from '../endpoint/reference-state.js';

/** Taken now: a test runner that fakes the time may replace it later. */
const { setImmediate } = timers;

const registry = new FinalizationRegistry<ReferenceState>((state) => state.endpoint.collected(state));

/** A handle that was made in this turn of the event loop, and the reference behind it. */
interface Recent {
  readonly handle: object;
  readonly state: ReferenceState;
}

/**
 * Most handles are closed in the turn in which they were made, and to enter one in a registry and take it out again takes
 * longer than the rest of its life. So only those that outlive their turn are entered.
 */
let recent: Recent[] = [];

/** A program that makes many in one turn must be able to drop them: so many are entered at once. */
const mostRecent = 1_024;

let entering = false;

/** Has a reference released when its handle is garbage-collected, from the end of this turn on. */
export function releaseWhenDropped(handle: object, state: ReferenceState): void {
  if (recent.length === mostRecent) enterRecent();
  state.recentAt = recent.push({ handle, state }) - 1;
  if (entering) return;
  entering = true;
  const later = setImmediate(() => {
    entering = false;
    enterRecent();
  });
  // A handle never keeps the process alive, not even for one more turn.
  later.unref();
}

/** The reference is closed, so its handle need not be watched any more. */
export function forget(state: ReferenceState): void {
  const { recentAt } = state;
  if (recentAt === undefined) {
    registry.unregister(state);
    return;
  }
  // The last one takes its place.
  const last = recent.pop() as Recent;
  if (last.state !== state) {
    recent[recentAt] = last;
    last.state.recentAt = recentAt;
  }
  state.recentAt = undefined;
}

function enterRecent(): void {
  const handles = recent;
  recent = [];
  for (const { handle, state } of handles) {
    state.recentAt = undefined;
    registry.register(handle, state, state);
  }
}
