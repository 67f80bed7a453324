import type { Clock, Timer } from '#src/clock.js';

interface Due {
  readonly at: number;
  readonly call: () => void;
}

/** A clock that stands still until the test moves it. */
export class FakeClock implements Clock {
  readonly #due = new Set<Due>();
  #now = 0;

  /** How many timers are set. */
  get timers(): number {
    return this.#due.size;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, call: () => void): Timer {
    const due = { at: this.#now + ms, call };
    this.#due.add(due);
    return { cancel: () => this.#due.delete(due) };
  }

  /** Lets time pass: calls the timers that are due by then, in their order. */
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#due].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#due.delete(next);
      this.#now = next.at;
      next.call();
    }
    this.#now = end;
  }
}
