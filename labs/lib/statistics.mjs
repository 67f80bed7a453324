/**
 * The middle of some numbers; NaN if there are none.
 *
 * @param {readonly number[]} numbers
 */
export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/**
 * The largest of some numbers; NaN if there are none.
 *
 * @param {readonly number[]} numbers
 */
export function worst(numbers) {
  return numbers.length > 0 ? Math.max(...numbers) : Number.NaN;
}

/**
 * A number of milliseconds, short enough for a table.
 *
 * @param {number} ms
 */
export function round(ms) {
  return Number(ms.toFixed(ms < 10 ? 2 : 1));
}
