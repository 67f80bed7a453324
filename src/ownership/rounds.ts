import type { Clock, Timer } from '../clock.js';
import { membersToldPerTurn, roundPausePerMemberMs } from '../protocol/constants.js';

/**
 * Milliseconds between two parts of a round: the shortest timer. A timer that does not keep the process alive still
 * wakes an event loop that waits for its sockets. Such an immediate does not, and an idle owner would stop in the
 * middle of a round.
 */
const partMs = 1;

/** What the rounds need. */
export interface RoundsParts<Member> {
  readonly clock: Clock;
  /** All members that must be told. */
  readonly members: ReadonlySet<Member>;
  /** Tells one member the newest numbers. */
  tell(member: Member): void;
}

/**
 * Tells the newest count to all members in rounds: soon, a few members at a time, and with a pause between two rounds.
 */
export class Rounds<Member> {
  readonly #parts: RoundsParts<Member>;
  /** The timer of the next round. */
  #due: Timer | undefined;
  /** The timer of the next part of this round. */
  #nextPart: Timer | undefined;
  /** The members that this round has not told yet. */
  #notYetTold = new Set<Member>();
  #lastRound = Number.NEGATIVE_INFINITY;

  constructor(parts: RoundsParts<Member>) {
    this.#parts = parts;
  }

  /** Schedules a round; it includes all changes until it begins. */
  announce(): void {
    const { clock, members } = this.#parts;
    if (this.#due || members.size === 0) return;
    const pause = members.size * roundPausePerMemberMs;
    const wait = Math.max(0, this.#lastRound + pause - clock.now());
    this.#due = clock.after(wait, () => this.#begin(), true);
  }

  /** Tells the members that do not know the newest count at once, because no further round will come. */
  finish(): void {
    const untold = this.#due ? this.#parts.members : this.#notYetTold;
    this.cancel();
    for (const member of untold) this.#tell(member);
  }

  /** Stops all rounds. */
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
    // First the members that the round before did not reach.
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
