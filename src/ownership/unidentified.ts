import type { Clock, Timer } from '../clock.js';
import { descriptorLimit } from '../files/descriptor-limit.js';
import {
  fewUnidentifiedPlaces,
  spareUnidentifiedPlaces,
  unidentifiedDescriptorShare,
  unidentifiedTimeoutMs,
} from '../protocol/constants.js';

/** A connection, as far as it matters here. */
interface Connection {
  destroy(): void;
}

/**
 * The connections to a control socket that are no member's. They have places of their own, and the oldest gives its place up
 * to a new one: so those who say nothing lock nobody out, however many come, and however often (I7).
 */
export class Unidentified<Candidate extends Connection> {
  readonly #clock: Clock;
  readonly #max: number;
  /** Oldest first, with what ends those that have no reason to stay. */
  readonly #places = new Map<Candidate, Timer | undefined>();

  constructor(clock: Clock, maxMembers: number) {
    this.#clock = clock;
    this.#max = maxMembers + spareUnidentifiedPlaces;
  }

  /** One that is to say what it wants, or to hang up, within a while. If it has that already, nothing is added to it. */
  admit(connection: Candidate): void {
    if (this.#places.get(connection)) return;
    this.#take(
      connection,
      this.#clock.after(unidentifiedTimeoutMs, () => connection.destroy(), true),
    );
  }

  /** One that may wait as long as it likes, if nobody needs its place. */
  admitToWait(connection: Candidate): void {
    this.#take(connection, undefined);
  }

  /** It is no connection any more, or gone. */
  release(connection: Candidate): void {
    this.#places.get(connection)?.cancel();
    this.#places.delete(connection);
  }

  /** Gives up the older half: there are no descriptors left, and those who come next are more than one. */
  makeRoom(): void {
    this.#dropOldest(Math.ceil(this.#places.size / 2));
  }

  #limit(): number {
    return Math.min(this.#max, Math.max(fewUnidentifiedPlaces, descriptorLimit() * unidentifiedDescriptorShare));
  }

  #dropOldest(count: number): void {
    for (const oldest of [...this.#places.keys()].slice(0, count)) {
      this.release(oldest);
      oldest.destroy();
    }
  }

  #take(connection: Candidate, timer: Timer | undefined): void {
    this.release(connection);
    this.#places.set(connection, timer);
    if (this.#places.size > fewUnidentifiedPlaces && this.#places.size > this.#limit()) this.#dropOldest(1);
  }
}
