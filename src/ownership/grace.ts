import type { Clock } from '../clock.js';
import { successorGraceMs } from '../protocol/constants.js';

/**
 * The time in which a successor does not end when it has no reference: members that depended on its predecessor are on
 * their way.
 */
export class Grace {
  readonly #clock: Clock;
  readonly #awaited: number;
  readonly #until: number;

  /** @param expected - members that cannot serve and had references when the last owner was lost */
  constructor(clock: Clock, expected: number) {
    this.#clock = clock;
    this.#awaited = expected;
    this.#until = clock.now() + successorGraceMs;
  }

  /**
   * The milliseconds that are left; 0 once all of them are back.
   *
   * @param dependentsSeen - how many members that cannot serve have attached
   */
  left(dependentsSeen: number): number {
    return dependentsSeen >= this.#awaited ? 0 : Math.max(0, this.#until - this.#clock.now());
  }
}
