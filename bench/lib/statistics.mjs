// @ts-check

/**
 * The value below which a part of some numbers lies.
 *
 * @param {readonly number[]} numbers
 * @param {number} part - from 0 to 1
 */
export function quantile(numbers, part) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  if (value === undefined) throw new Error('nothing was measured');
  return value;
}

/**
 * The middle of some numbers.
 *
 * @param {readonly number[]} numbers
 */
export function median(numbers) {
  return quantile(numbers, 0.5);
}

/**
 * How many times another each of some figures is, round by round, and the middle of that: what disturbs one round disturbs
 * both, and a round that was disturbed in between is outvoted.
 *
 * @param {readonly number[]} these - one for each round
 * @param {readonly number[]} those
 */
export function ratioByRounds(these, those) {
  return median(these.map((value, round) => value / /** @type {number} */ (those[round])));
}

/**
 * The same for a contender that swings with the load of the machine: the ratio in a good round and in a bad one, of which a
 * tenth of the rounds is beyond each.
 *
 * @param {readonly number[]} these - one for each round
 * @param {readonly number[]} those
 * @returns {{ low: number, high: number }}
 */
export function endsByRounds(these, those) {
  const ratios = these.map((value, round) => value / /** @type {number} */ (those[round]));
  return { low: quantile(ratios, 0.1), high: quantile(ratios, 0.9) };
}
