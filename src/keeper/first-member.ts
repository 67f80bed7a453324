import type { Clock } from '../clock.js';
import { deferred } from '../deferred.js';

/**
 * How long one who serves for others waits for the first of them, in milliseconds: whoever had it started attaches at
 * once, unless it died in between.
 */
const firstMemberMs = 10_000;

/** The first member of an owner that serves for others alone. */
export class FirstMember {
  readonly #come = deferred<boolean>();
  #here = false;

  /** It has come, or it does not matter any more. Idempotent. */
  arrived(): void {
    // Each count calls this, and to settle a promise once more takes Node longer than to count.
    if (this.#here) return;
    this.#here = true;
    this.#come.resolve(true);
  }

  /** Whether it comes in time. */
  wait(clock: Clock): Promise<boolean> {
    const timer = clock.after(firstMemberMs, () => this.#come.resolve(false));
    return this.#come.promise.finally(() => timer.cancel());
  }
}
