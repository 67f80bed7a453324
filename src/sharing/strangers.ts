import type { Clock, Timer } from '../clock.js';
import { descriptorLimit } from '../files/descriptor-limit.js';

/**
 * How long a connection may stay that is no member's, in milliseconds: before its `hello`, and when it was answered.
 * Long enough for a machine that is busy.
 */
const strangerMs = 10_000;

/**
 * Places for connections that are no member's, beyond one for each member that there may be. After the loss of an owner all
 * members may come at once, and all of them are connected before the first says `hello`; these are for who only asks.
 */
const sparePlaces = 64;

/**
 * The part of all descriptors that they may take. Node tells nobody when there is none left to accept a connection with: it
 * closes all that wait, members too.
 */
const shareOfDescriptors = 1 / 4;

/** Strangers of whom no limit of descriptors needs to be asked: no process can do with so few more. */
const few = 8;

/** A connection, as far as it matters here. */
interface Connection {
  destroy(): void;
}

/**
 * The connections to a control socket that are no member's. They have places of their own, and the oldest gives its place up
 * to a new one: so those who say nothing lock nobody out, however many come, and however often (I7).
 */
export class Strangers<Stranger extends Connection> {
  readonly #clock: Clock;
  readonly #max: number;
  /** Oldest first, with what ends those that have no reason to stay. */
  readonly #places = new Map<Stranger, Timer | undefined>();

  constructor(clock: Clock, maxMembers: number) {
    this.#clock = clock;
    this.#max = maxMembers + sparePlaces;
  }

  /** One that is to say what it wants, or to hang up, within a while. If it has that already, nothing is added to it. */
  admit(stranger: Stranger): void {
    if (this.#places.get(stranger)) return;
    this.#take(
      stranger,
      this.#clock.after(strangerMs, () => stranger.destroy(), true),
    );
  }

  /** One that may wait as long as it likes, if nobody needs its place. */
  admitToWait(stranger: Stranger): void {
    this.#take(stranger, undefined);
  }

  /** It is no stranger any more, or gone. */
  release(stranger: Stranger): void {
    this.#places.get(stranger)?.cancel();
    this.#places.delete(stranger);
  }

  /** Gives up the older half: there are no descriptors left, and those who come next are more than one. */
  makeRoom(): void {
    this.#dropOldest(Math.ceil(this.#places.size / 2));
  }

  #limit(): number {
    return Math.min(this.#max, Math.max(few, descriptorLimit() * shareOfDescriptors));
  }

  #dropOldest(count: number): void {
    for (const oldest of [...this.#places.keys()].slice(0, count)) {
      this.release(oldest);
      oldest.destroy();
    }
  }

  #take(stranger: Stranger, timer: Timer | undefined): void {
    this.release(stranger);
    this.#places.set(stranger, timer);
    if (this.#places.size > few && this.#places.size > this.#limit()) this.#dropOldest(1);
  }
}
