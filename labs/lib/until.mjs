import { setTimeout as pause } from 'node:timers/promises';

/** Milliseconds between two looks. */
const lookEveryMs = 2;

/**
 * Waits for something that other processes do and no event here tells of; says whether it came to be in time.
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
  // Ended by us when the promise was quicker.
  late.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    done.abort();
  }
}
