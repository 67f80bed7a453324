import type { Clock } from '../clock.js';
import { deferred } from '../deferred.js';

/**
 * How long a keeper waits for its first member, in milliseconds. The process that started it attaches at once, unless
 * it died.
 */
const firstMemberMs = 10_000;

/** The first member of a keeper. */
export class FirstMember {
  readonly #come = deferred<boolean>();
  #here = false;

  /** The first member attached, or waiting is pointless now. Idempotent. */
  arrived(): void {
    // Each change of the count calls this, and in Node settling a promise again is slower than counting.
    if (this.#here) return;
    this.#here = true;
    this.#come.resolve(true);
  }

  /** Resolves to whether it attached in time. */
  wait(clock: Clock): Promise<boolean> {
    const timer = clock.after(firstMemberMs, () => this.#come.resolve(false));
    return this.#come.promise.finally(() => timer.cancel());
  }
}
