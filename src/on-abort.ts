/** The calls to make when a signal aborts. */
interface Fan {
  readonly calls: Set<{ readonly call: () => void }>;
  readonly listener: () => void;
}

const fans = new WeakMap<AbortSignal, Fan>();

/**
 * Calls when a signal aborts. Returns a function that undoes that. The signal has one listener of ours for any number
 * of calls, and none without a call: Node warns of a leak from the eleventh listener on, and many calls may share a
 * signal.
 */
export function onAbort(signal: AbortSignal, call: () => void): () => void {
  const fan = fans.get(signal) ?? listen(signal);
  const entry = { call };
  fan.calls.add(entry);
  return () => {
    if (!fan.calls.delete(entry) || fan.calls.size > 0 || fans.get(signal) !== fan) return;
    fans.delete(signal);
    signal.removeEventListener('abort', fan.listener);
  };
}

function listen(signal: AbortSignal): Fan {
  const calls: Fan['calls'] = new Set();
  const listener = (): void => {
    fans.delete(signal);
    for (const { call } of calls) call();
    calls.clear();
  };
  const fan = { calls, listener };
  fans.set(signal, fan);
  signal.addEventListener('abort', listener, { once: true });
  return fan;
}
