/** Random numbers that a seed repeats (mulberry32): good enough to draw a schedule with, and the same everywhere. */
export class Random {
  #state;

  /** @param {number} seed */
  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** At least 0, below 1. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /**
   * A whole number from 0 to below `end`.
   *
   * @param {number} end
   */
  below(end) {
    return Math.floor(this.next() * end);
  }

  /**
   * One of several things.
   *
   * @template Thing
   * @param {readonly Thing[]} things at least one
   * @returns {Thing}
   */
  pick(things) {
    return /** @type {Thing} */ (things[this.below(things.length)]);
  }

  /**
   * The same things in another order.
   *
   * @template Thing
   * @param {readonly Thing[]} things
   */
  shuffled(things) {
    const mixed = [...things];
    for (let last = mixed.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      [mixed[last], mixed[other]] = [/** @type {Thing} */ (mixed[other]), /** @type {Thing} */ (mixed[last])];
    }
    return mixed;
  }
}

/** A seed for a run that was given none. */
export function newSeed() {
  return Date.now() % 1_000_000_007;
}
