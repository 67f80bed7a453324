import type { Clock, Timer } from '../clock.js';
import { membersToldPerTurn, roundPausePerMemberMs } from '../protocol/constants.js';

/**
 * Milliseconds between two parts of a round: the least that a timer takes. A timer that does not keep the process alive still
 * wakes a loop that waits for its sockets; an immediate of that kind does not, and an idle owner would stop in the middle.
 */
const partMs = 1;

/** What rounds are made of. */
export interface RoundsParts<Member> {
  readonly clock: Clock;
  /** Everybody who is to be told. */
  readonly members: ReadonlySet<Member>;
  /** Tells one of them the newest numbers. */
  tell(member: Member): void;
}

/** Has the newest count told to all members in rounds: soon, a few at a time, and with a pause between two rounds. */
export class Rounds<Member> {
  readonly #parts: RoundsParts<Member>;
  /** The round that is to come. */
  #due: Timer | undefined;
  /** The next part of the round that is under way. */
  #nextPart: Timer | undefined;
  /** Those whom this round has yet to come to. */
  #notYetTold = new Set<Member>();
  #lastRound = Number.NEGATIVE_INFINITY;

  constructor(parts: RoundsParts<Member>) {
    this.#parts = parts;
  }

  /** Has everybody told, together with what else changes until then. */
  announce(): void {
    const { clock, members } = this.#parts;
    if (this.#due || members.size === 0) return;
    const pause = members.size * roundPausePerMemberMs;
    const wait = Math.max(0, this.#lastRound + pause - clock.now());
    this.#due = clock.after(wait, () => this.#begin(), true);
  }

  /** Tells at once those who do not know the newest count yet, since no round comes any more. */
  finish(): void {
    const untold = this.#due ? this.#parts.members : this.#notYetTold;
    this.cancel();
    for (const member of untold) this.#tell(member);
  }

  /** Tells nobody any more. */
  cancel(): void {
    this.#due?.cancel();
    this.#nextPart?.cancel();
    this.#due = undefined;
    this.#notYetTold = new Set();
  }

  #begin(): void {
    const { clock, members } = this.#parts;
    this.#nextPart?.cancel();
    this.#due = undefined;
    this.#lastRound = clock.now();
    // Those first whom the round before has not come to.
    this.#notYetTold = new Set([...this.#notYetTold, ...members]);
    this.#tellSome();
  }

  #tellSome(): void {
    let left = membersToldPerTurn;
    for (const member of this.#notYetTold) {
      if (left-- === 0) {
        this.#nextPart = this.#parts.clock.after(partMs, () => this.#tellSome(), true);
        return;
      }
      this.#notYetTold.delete(member);
      this.#tell(member);
    }
  }

  #tell(member: Member): void {
    // It may have left meanwhile.
    if (this.#parts.members.has(member)) this.#parts.tell(member);
  }
}
