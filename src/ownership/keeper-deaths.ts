/** A keeper that lived so many milliseconds after its server was up was well: its death says nothing about the next one. */
const stableAfterMs = 10_000;

/** The keepers that this process started for one endpoint and that died soon after their server was up, in a row. */
export class KeeperDeaths {
  #inRow = 0;
  #upSince: number | undefined;

  get inRow(): number {
    return this.#inRow;
  }

  /** The server of a keeper that we started is up. */
  up(now: number): void {
    this.#upSince = now;
  }

  /** The owner was lost. It counts only if it was a keeper that we started. */
  ownerLost(now: number): void {
    if (this.#upSince === undefined) return;
    this.#inRow = now - this.#upSince < stableAfterMs ? this.#inRow + 1 : 0;
    this.#upSince = undefined;
  }
}
