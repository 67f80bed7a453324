/** Who holds how many references to an endpoint, as its owner counts them. Pure: no clock, no socket. */
export class Tally<Key> {
  readonly #holds = new Map<Key, number>();
  #own = 0;
  #others = 0;

  /** References of the owner itself. */
  get own(): number {
    return this.#own;
  }

  set own(references: number) {
    this.#own = references;
  }

  /** References of all members. */
  get others(): number {
    return this.#others;
  }

  /** All references (I5). */
  get total(): number {
    return this.#own + this.#others;
  }

  /** The number of members. */
  get members(): number {
    return this.#holds.size;
  }

  /** Sets the count of a member; 0 removes it. */
  set(key: Key, references: number): void {
    this.#others += references - this.of(key);
    if (references === 0) this.#holds.delete(key);
    else this.#holds.set(key, references);
  }

  /** The count of a member; 0 for one that is not known. */
  of(key: Key): number {
    return this.#holds.get(key) ?? 0;
  }
}
