// @ts-check
import { Bench } from 'tinybench';

/** @typedef {{ name: string, batch: number, run: () => void | Promise<void> }} Contender */

/** Milliseconds for which each contender runs before it counts: the engine compiles what is long for some thousand calls. */
const warmupMs = 2_000;

/** @typedef {{ name: string, median: number, p99: number }} Figure microseconds per operation */

/**
 * Measures contenders in turn, round by round, so that a machine whose speed drifts is as unfair to all of them.
 *
 * @param {readonly Contender[]} contenders - `run` does `batch` operations, so that the clock's own cost does not count
 * @param {number} rounds
 * @returns {Promise<Figure[]>}
 */
export async function measure(contenders, rounds) {
  /** @type {number[][]} */
  const samples = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, { name, batch, run }] of contenders.entries()) {
      const bench = new Bench({
        time: 50,
        iterations: 3,
        warmup: round === 0,
        warmupTime: rounds > 2 ? warmupMs : warmupMs / 10,
        retainSamples: true,
        throws: true,
      });
      bench.add(name, run);
      const [task] = await bench.run();
      const result = /** @type {{ latency?: { samples?: readonly number[] } } | undefined} */ (task?.result);
      for (const ms of result?.latency?.samples ?? []) samples[index]?.push((ms * 1000) / batch);
      // What one contender left to the garbage collector must not be paid for by the next.
      globalThis.gc?.();
    }
  }
  return contenders.map(({ name }, index) => {
    const sorted = (samples[index] ?? []).sort((a, b) => a - b);
    return { name, median: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
  });
}

/**
 * @param {readonly number[]} sorted
 * @param {number} q
 */
function quantile(sorted, q) {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
  if (value === undefined) throw new Error('nothing was measured');
  return value;
}
