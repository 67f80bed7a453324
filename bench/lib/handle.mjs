// @ts-check

/** The least that counted handles with a safety net for dropped ones can cost. */
export class Handle {
  static #dropped = new FinalizationRegistry(() => {});
  #entry;
  /** @param {{ count: number }} entry */
  constructor(entry) {
    this.#entry = entry;
    entry.count++;
    Handle.#dropped.register(this, entry, this);
  }
  close() {
    Handle.#dropped.unregister(this);
    this.#entry.count--;
  }
}
