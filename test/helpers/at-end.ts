import { setMaxListeners } from 'node:events';
import { onTestFinished, TestRunner } from 'vitest';

/**
 * Calls `end` when the test is given up: its watchdog ended it, or the run was cancelled. The test continues until its
 * current await ends.
 */
export function whenGivenUp(end: () => unknown): void {
  const signal = TestRunner.getCurrentTest()?.context.signal;
  if (!signal) return;
  // A test may start many programs. Node would warn of a leak from the eleventh on.
  setMaxListeners(0, signal);
  signal.addEventListener('abort', end, { once: true });
}

/** Calls `end` when the test is over or given up. */
export function atEnd(end: () => unknown): void {
  whenGivenUp(end);
  onTestFinished(async () => {
    await end();
  });
}
