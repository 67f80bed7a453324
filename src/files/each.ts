/**
 * Takes each step, whatever those before it threw, and returns what they threw: a change of state that was begun is carried
 * through, and what failed in it is told afterwards.
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
