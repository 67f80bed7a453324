import type { Clock, Timer } from '../../clock.js';

/** What is done sooner than this, in milliseconds, is not worth a word. */
const patienceMs = 150;

/** How often what is shown is looked after, in milliseconds. */
const refreshMs = 200;

/** What a line is written to: stderr, when it is a terminal. */
export interface Terminal {
  readonly columns?: number;
  write(text: string): unknown;
}

type State =
  | { readonly kind: 'silent' }
  /** Waiting, but not for long enough yet to say so. */
  | { readonly kind: 'patient'; readonly timer: Timer }
  | { readonly kind: 'shown'; readonly timer: Timer | undefined };

/** A line on a terminal that says what is being waited for, and is gone when that is over. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  #state: State = { kind: 'silent' };

  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal;
    this.#clock = clock;
  }

  /**
   * Begins to wait.
   *
   * @param what - asked again and again for the text of the line, once it takes so long that it is shown
   */
  start(what: () => Promise<string>): void {
    this.stop();
    const began = this.#clock.now();
    const timer = this.#clock.after(patienceMs, () => void this.#show(what, began), true);
    this.#state = { kind: 'patient', timer };
  }

  /** Ends the waiting and erases the line. Says whether there was one. */
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
    // The waiting may be over, or for something else by now.
    if (this.#state !== state) return;
    const seconds = Math.floor((this.#clock.now() - began) / 1000);
    this.#terminal.write(`\r${this.#fitted(`${text} …${seconds > 0 ? ` ${seconds}s` : ''}`)}\u001b[K`);
    const timer = this.#clock.after(refreshMs, () => void this.#show(what, began), true);
    this.#state = { kind: 'shown', timer };
  }

  /** A line that is broken in two could not be erased. */
  #fitted(text: string): string {
    // Some terminals, those of a CI say, do not know how wide they are.
    const width = (this.#terminal.columns || 80) - 1;
    return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
  }
}
