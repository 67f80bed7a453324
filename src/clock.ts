/** A timer that was set on a {@link Clock}. */
export interface Timer {
  /** Stops the timer; harmless when it has fired. */
  cancel(): void;
}

/** The passing of time, handed in so that tests can decide it. */
export interface Clock {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Calls once after so many milliseconds; `background` timers do not keep the process alive. */
  after(ms: number, call: () => void, background?: boolean): Timer;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  // Not `performance`: to touch that has Node load, for 2 ms, what measures everything else.
  now: () => Number(process.hrtime.bigint()) / 1e6,
  after(ms, call, background = false) {
    const timer = setTimeout(call, ms);
    if (background) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
