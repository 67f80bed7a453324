import { setTimeout as pause } from 'node:timers/promises';

/** Milliseconds between two looks. */
const lookEveryMs = 2;

/**
 * Waits for the work of other processes, which causes no event here. Returns whether it was done in time.
 *
 * @param {() => boolean | Promise<boolean>} holds
 * @param {number} watchdogMs
 */
export async function until(holds, watchdogMs) {
  const deadline = performance.now() + watchdogMs;
  while (!(await holds())) {
    if (performance.now() > deadline) return false;
    await pause(lookEveryMs);
  }
  return true;
}

/**
 * The outcome of a promise, or a word if it does not settle in time. Never rejects for lateness, so that a lab can count it.
 *
 * @template Value
 * @param {Promise<Value>} promise
 * @param {number} watchdogMs
 * @returns {Promise<Value | 'late'>}
 */
export async function within(promise, watchdogMs) {
  const done = new AbortController();
  const late = pause(watchdogMs, /** @type {const} */ ('late'), { signal: done.signal });
  // We abort it when the promise settles first.
  late.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    done.abort();
  }
}
