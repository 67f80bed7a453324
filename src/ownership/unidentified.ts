import type { Clock, Timer } from '../clock.js';
import { descriptorLimit } from '../files/descriptor-limit.js';
import {
  fewUnidentifiedPlaces,
  spareUnidentifiedPlaces,
  unidentifiedDescriptorShare,
  unidentifiedTimeoutMs,
} from '../protocol/constants.js';

/** What is needed of a connection here. */
interface Connection {
  destroy(): void;
}

/**
 * The connections to a control socket that are not members'. They have a limited number of places, and the oldest gives
 * its place to a new one: so silent clients do not lock others out, however many connect, and however often (I7).
 */
export class Unidentified<Candidate extends Connection> {
  readonly #clock: Clock;
  readonly #max: number;
  /** Oldest first, each with the timer that ends it; without one if it has a reason to stay. */
  readonly #places = new Map<Candidate, Timer | undefined>();

  constructor(clock: Clock, maxMembers: number) {
    this.#clock = clock;
    this.#max = maxMembers + spareUnidentifiedPlaces;
  }

  /** Admits a connection that must ask something, or close, within a while. Its time is set once. */
  admit(connection: Candidate): void {
    if (this.#places.get(connection)) return;
    this.#take(
      connection,
      this.#clock.after(unidentifiedTimeoutMs, () => connection.destroy(), true),
    );
  }

  /** Admits a connection that may wait as long as it likes, unless its place is needed. */
  admitToWait(connection: Candidate): void {
    this.#take(connection, undefined);
  }

  /** The connection has become a member's, or has ended. */
  release(connection: Candidate): void {
    this.#places.get(connection)?.cancel();
    this.#places.delete(connection);
  }

  /** Closes the older half: there are no descriptors left, and more than one client is about to connect. */
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
