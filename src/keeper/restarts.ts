import { stableAfterMs } from '../protocol/constants.js';

/** The pause before the first restart, in milliseconds; each further one in a row is twice as long. */
const firstPauseMs = 100;
/** The longest pause. */
const longestPauseMs = 5_000;

/** Decides whether and when a server that ended is restarted. Pure: no clock, no process. */
export class Restarts {
  readonly #max: number;
  #total = 0;
  #inRow = 0;

  /** @param max - restarts in a row that are allowed */
  constructor(max: number) {
    this.#max = max;
  }

  /** All restarts, for listings. */
  get total(): number {
    return this.#total;
  }

  /** The restarts since the server was stable. */
  get inRow(): number {
    return this.#inRow;
  }

  /** Whether no further restart is allowed. */
  get spent(): boolean {
    return this.#inRow >= this.#max;
  }

  /** The server ended after so many milliseconds. */
  wasUp(ms: number): void {
    if (ms >= stableAfterMs) this.#inRow = 0;
  }

  /** The server ended because it had nothing to do. */
  wasStable(): void {
    this.#inRow = 0;
  }

  /** A restart would fail for the same reason. */
  giveUp(): void {
    this.#inRow = this.#max;
  }

  /** Counts a restart. Returns the pause before it, in milliseconds. */
  next(): number {
    const pauseMs = Math.min(firstPauseMs * 2 ** this.#inRow, longestPauseMs);
    this.#inRow++;
    this.#total++;
    return pauseMs;
  }
}
