/** A timer that was set on a {@link Clock}. */
export interface Timer {
  /** Stops the timer. Does nothing once it has fired. */
  cancel(): void;
}

/** A source of time. Tests pass in their own. */
export interface Clock {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Calls once after `ms` milliseconds. A `background` timer does not keep the process alive. */
  after(ms: number, call: () => void, background?: boolean): Timer;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  // Not `performance`: the first use of it makes Node load its whole measuring code, which takes 2 ms.
  now: () => Number(process.hrtime.bigint()) / 1e6,
  after(ms, call, background = false) {
    const timer = setTimeout(call, ms);
    if (background) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
