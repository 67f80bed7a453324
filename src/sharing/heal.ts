import type { Timer } from '../clock.js';
import { foreignFile } from '../files/foreign.js';
import { type Identity, identityOf, lstatIfThere, sameFile } from '../files/identity.js';
import { EndpointLock } from '../files/lock.js';
import { joinPath } from '../files/paths.js';
import { reclaim } from '../files/reclaim.js';
import { beginRecord, type RecordEntry } from '../files/record.js';
import { systemError } from '../system-errors.js';
import type { Place, Surroundings } from './settings.js';
import type { SocketKind, Sockets } from './sockets.js';

const kinds = ['control', 'data'] as const;

/** What the healer asks of its owner. */
export interface HealerOwner {
  lock(): EndpointLock;
  readonly sockets: Sockets;
  /** What a new record has to say. */
  recorded(): readonly RecordEntry[];
  relocked(lock: EndpointLock): void;
  deposed(): void;
  displaced(): void;
}

/** How far the intervals of many owners in one process spread, so that they do not all look in the same moment. */
const spread = 0.2;

/**
 * Looks after the files of a live owner. Temp cleaners remove sockets of live servers, and what is missing is published
 * again. A lock file that someone replaced means that there is another owner now: this one has been deposed.
 */
export class Healer {
  readonly #place: Place;
  readonly #surroundings: Surroundings;
  readonly #intervalMs: number;
  readonly #owner: HealerOwner;
  /** The foreign file in each place that was complained of: once, not every few seconds. */
  readonly #complained = new Map<SocketKind, Identity>();
  #timer: Timer | undefined;
  #checking: Promise<void> | undefined;
  #stopped = false;

  constructor(place: Place, surroundings: Surroundings, intervalMs: number, owner: HealerOwner) {
    this.#place = place;
    this.#surroundings = surroundings;
    this.#intervalMs = intervalMs;
    this.#owner = owner;
  }

  /** Looks from time to time, without keeping the process alive. */
  start(): void {
    if (this.#stopped) return;
    const wait = this.#intervalMs * (1 - spread / 2 + Math.random() * spread);
    const again = () => void this.check().then(() => this.start());
    this.#timer = this.#surroundings.clock.after(wait, again, true);
  }

  /** Looks no more. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Looks now. Never rejects: what cannot be repaired is reported, and tried again next time. */
  check(): Promise<void> {
    this.#checking ??= this.#check()
      .catch((error: unknown) => {
        const { path } = this.#place;
        this.#surroundings.hooks.fault(path, systemError(error, path, `look after the files of ${path}`));
      })
      .finally(() => {
        this.#checking = undefined;
      });
    return this.#checking;
  }

  async #check(): Promise<void> {
    if (this.#stopped) return;
    if (!this.#place.directory.isInPlace()) return this.#owner.displaced();
    const healed: string[] = [];
    const before = this.#owner.lock();
    if (!this.#isOwner()) return this.#owner.deposed();
    if (this.#owner.lock() !== before) healed.push(this.#place.names.lock);
    const missing = kinds.filter((kind) => this.#isMissing(kind));
    if (missing.length > 0) {
      await this.#owner.sockets.publish(this.#owner.lock(), missing);
      healed.push(...missing.map((kind) => this.#place.names[kind]));
    }
    if (healed.length > 0) this.#surroundings.hooks.healed(this.#place.path, healed);
  }

  /** Whether nobody else is owner by now. A lock file that is merely gone is made anew. */
  #isOwner(): boolean {
    const state = this.#owner.lock().check();
    return state === 'linked' || (state === 'missing' && this.#relock());
  }

  /** A new lock file in place of the one that was removed; false if someone was quicker. */
  #relock(): boolean {
    const { directory, names, path } = this.#place;
    const attempt = EndpointLock.attempt(directory, names.lock, path, true);
    if (attempt.kind !== 'held') return false;
    const { lock } = attempt;
    try {
      // Someone may have been owner in between, and be dead already.
      reclaim(lock, path);
      beginRecord(lock.fd, ...this.#owner.recorded());
    } catch (error) {
      lock.release();
      throw error;
    }
    this.#owner.relocked(lock);
    return true;
  }

  #isMissing(kind: SocketKind): boolean {
    const { directory, names, path } = this.#place;
    // A server that is still starting has none.
    if (!this.#owner.sockets.file(kind)) return false;
    const stats = lstatIfThere(directory.at(names[kind]));
    if (!stats) return true;
    const file = identityOf(stats);
    const known = [this.#owner.sockets.file(kind), this.#complained.get(kind)];
    if (known.some((each) => each && sameFile(each, file))) return false;
    this.#complained.set(kind, file);
    // I2: what is not ours is not replaced, not even in our own place.
    this.#surroundings.hooks.fault(path, foreignFile(path, joinPath(directory.path, names[kind]), stats));
    return false;
  }
}
