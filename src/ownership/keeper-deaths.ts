import { stableAfterMs } from '../protocol/constants.js';

/** Counts the keepers of one endpoint, started by this process, that died in a row soon after their server was up. */
export class KeeperDeaths {
  #inRow = 0;
  #upSince: number | undefined;

  get inRow(): number {
    return this.#inRow;
  }

  /** Called when the server of a keeper that we started is up. */
  up(now: number): void {
    this.#upSince = now;
  }

  /** Called when the owner was lost. It counts only if it was a keeper that we started. */
  ownerLost(now: number): void {
    if (this.#upSince === undefined) return;
    this.#inRow = now - this.#upSince < stableAfterMs ? this.#inRow + 1 : 0;
    this.#upSince = undefined;
  }
}
