interface Waiting {
  start(): void;
}

/**
 * Runs clean-ups, a limited number of them per turn of the event loop (I7). Thousands of sockets that end at once must
 * not block other work. A clean-up below the limit runs at once, in the caller's tick.
 */
export class CleanUps {
  readonly #concurrency: number;
  readonly #waiting: Waiting[] = [];
  #running = 0;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#waiting.length;
  }

  /** Resolves or rejects with the outcome of the work. */
  run(work: () => void | Promise<void>): Promise<void> {
    if (this.#running < this.#concurrency && this.#waiting.length === 0) return this.#start(work);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ start: () => this.#start(work).then(resolve, reject) });
    });
  }

  async #start(work: () => void | Promise<void>): Promise<void> {
    this.#running++;
    try {
      await work();
    } finally {
      // The place becomes free in the next turn, so that synchronous work does not block the others.
      setImmediate(() => {
        this.#running--;
        this.#waiting.shift()?.start();
      });
    }
  }
}
