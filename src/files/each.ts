/**
 * Runs every step, even if earlier ones threw, and returns what they threw. A change of state is thus completed before
 * its failures are reported.
 */
export function takeEach(steps: Iterable<() => unknown>): unknown[] {
  const errors: unknown[] = [];
  for (const step of steps) {
    try {
      step();
    } catch (error) {
      errors.push(error);
    }
  }
  return errors;
}
