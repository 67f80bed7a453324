import type { Clock, Timer } from '../../clock.js';

/** A wait shorter than this, in milliseconds, is not shown. */
const patienceMs = 150;

/** How often the line is updated, in milliseconds. */
const refreshMs = 200;

/** Where the line is written: stderr, if it is a terminal. */
export interface Terminal {
  readonly columns?: number;
  write(text: string): unknown;
}

type State =
  | { readonly kind: 'silent' }
  /** Waiting, but not yet long enough to show it. */
  | { readonly kind: 'patient'; readonly timer: Timer }
  | { readonly kind: 'shown'; readonly timer: Timer | undefined };

/** A line on a terminal that says what the process is waiting for. It is erased when the wait is over. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  #state: State = { kind: 'silent' };

  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal;
    this.#clock = clock;
  }

  /**
   * Begins a wait.
   *
   * @param what - gives the text of the line; called repeatedly once the line is shown
   */
  start(what: () => Promise<string>): void {
    this.stop();
    const began = this.#clock.now();
    const timer = this.#clock.after(patienceMs, () => void this.#show(what, began), true);
    this.#state = { kind: 'patient', timer };
  }

  /** Ends the wait and erases the line. Returns whether there was one. */
  stop(): boolean {
    const state = this.#state;
    this.#state = { kind: 'silent' };
    if (state.kind === 'silent') return false;
    state.timer?.cancel();
    if (state.kind === 'patient') return false;
    this.#terminal.write('\r\u001b[K');
    return true;
  }

  async #show(what: () => Promise<string>, began: number): Promise<void> {
    const state: State = { kind: 'shown', timer: undefined };
    this.#state = state;
    const text = await what();
    // By now the wait may be over, or for something else.
    if (this.#state !== state) return;
    const seconds = Math.floor((this.#clock.now() - began) / 1000);
    this.#terminal.write(`\r${this.#fitted(`${text} …${seconds > 0 ? ` ${seconds}s` : ''}`)}\u001b[K`);
    const timer = this.#clock.after(refreshMs, () => void this.#show(what, began), true);
    this.#state = { kind: 'shown', timer };
  }

  /** A line that the terminal wraps could not be erased. */
  #fitted(text: string): string {
    // Some terminals, such as those of a CI, do not know their width.
    const width = (this.#terminal.columns || 80) - 1;
    return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
  }
}
