import { onTestFinished, TestRunner } from 'vitest';

/** Does something as soon as the test is given up: its watchdog ended it, or the run was cancelled. It goes on until what it awaits ends. */
export function whenGivenUp(end: () => unknown): void {
  TestRunner.getCurrentTest()?.context.signal.addEventListener('abort', end, { once: true });
}

/** Does something when the test is over, or given up. */
export function atEnd(end: () => unknown): void {
  whenGivenUp(end);
  onTestFinished(async () => {
    await end();
  });
}
