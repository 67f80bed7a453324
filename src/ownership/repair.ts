import type { BigIntStats } from 'node:fs';
import type { Timer } from '../clock.js';
import type { Context } from '../context.js';
import { systemError } from '../errors/system.js';
import { foreignFile } from '../files/foreign.js';
import { type Identity, identityOf, lstatIfThere, sameFile } from '../files/identity.js';
import type { LockFile } from '../files/lock-file.js';
import { modeBits, restoreMode } from '../files/mode.js';
import { joinPath } from '../files/paths.js';
import type { Place } from '../files/place.js';
import { tolerate } from '../files/remains.js';
import { healIntervalSpread } from '../protocol/constants.js';
import type { Server } from '../serving/server.js';
import type { OwnRecord } from './own-record.js';
import { modeChanged, recordChanged } from './reasons.js';
import type { OwnerSettings } from './settings.js';
import type { SocketKind, Sockets } from './sockets.js';

const kinds = ['control', 'data'] as const;

/** What the repair needs from its owner. */
export interface RepairedOwner {
  readonly lock: LockFile;
  readonly settings: Pick<OwnerSettings, 'healIntervalMs'>;
  readonly context: Context;
  readonly server: Pick<Server, 'look'>;
  readonly sockets: Sockets;
  readonly record: Pick<OwnRecord, 'entries' | 'restore'>;
  fault(error: unknown): void;
  deposed(): void;
  displaced(): void;
}

/**
 * Repairs the files of a live owner. A temp cleaner removes sockets of live servers: missing ones are published again.
 * A server may change the mode of its socket, or make another one. A replaced lock file means that there is another
 * owner now, and that this one was deposed.
 */
export class Repairer {
  readonly #owner: RepairedOwner;
  /** The foreign file in each place that was reported: it is reported once, not every few seconds. */
  readonly #complained = new Map<SocketKind, Identity>();
  #timer: Timer | undefined;
  #checking: Promise<void> | undefined;
  #stopped = false;

  constructor(owner: RepairedOwner) {
    this.#owner = owner;
  }

  get #place(): Place {
    return this.#owner.lock.place;
  }

  /** Checks the files regularly, without keeping the process alive. */
  start(): void {
    if (this.#stopped) return;
    const { settings, context } = this.#owner;
    const wait = settings.healIntervalMs * (1 - healIntervalSpread / 2 + Math.random() * healIntervalSpread);
    const again = () => void this.check().then(() => this.start());
    this.#timer = context.clock.after(wait, again, true);
  }

  /** Stops the regular checks. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Checks the files now. Never rejects: what cannot be repaired is reported, and tried again next time. */
  check(): Promise<void> {
    this.#checking ??= this.#check()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#checking = undefined;
      });
    return this.#checking;
  }

  async #check(): Promise<void> {
    if (this.#stopped) return;
    if (!this.#place.directory.isInPlace()) return this.#owner.displaced();
    const repaired: string[] = [];
    const found = this.#owner.lock.check();
    if (found === 'missing' && this.#retake()) repaired.push(this.#place.names.lock);
    else if (found !== 'linked') return this.#owner.deposed();
    // Each step alone: a failure must not keep the others from being done.
    this.#attempt(() => this.#keepLockMode());
    this.#attempt(() => this.#keepRecord());
    // A failure was reported before; the end reports it again if the files are still there.
    tolerate(() => this.#owner.sockets.remains.remove(this.#place.directory));
    try {
      const missing = kinds.filter((kind) => this.#isMissing(kind));
      const published = missing.length > 0 ? await this.#owner.sockets.publish(missing) : [];
      repaired.push(...published.map((kind) => this.#place.names[kind]));
      if (!this.#stopped && (await this.#look())) repaired.push(this.#place.names.data);
    } finally {
      if (repaired.length > 0) this.#owner.context.healed(this.#place.path, repaired);
    }
  }

  /**
   * Lets the server check its socket, if other programs could have changed it. Returns whether it was published again.
   */
  async #look(): Promise<boolean> {
    const { server, sockets } = this.#owner;
    return (await server.look?.(sockets.file('data'))) ?? false;
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const { path } = this.#place;
    this.#owner.fault(systemError(error, path, `check the files of ${path}`));
  }

  /** Makes a new lock file in place of the removed one. Returns false if another process was faster. */
  #retake(): boolean {
    return this.#owner.lock.retake(
      () => this.#owner.record.entries(),
      (error) => this.#failed(error),
    );
  }

  #keepLockMode(): void {
    const restored = this.#owner.lock.restoreMode();
    if (restored) this.#modeChanged(this.#place.names.lock, restored.from, restored.to);
  }

  #keepRecord(): void {
    const { directory, names } = this.#place;
    if (this.#owner.record.restore()) this.#owner.fault(recordChanged(joinPath(directory.path, names.lock)));
  }

  /** Restores the mode if the server or another program changed it (I6). */
  #keepMode(kind: SocketKind, file: Identity, stats: BigIntStats): void {
    const [mode, wanted] = [Number(stats.mode) & modeBits, this.#owner.sockets.modeOf(kind)];
    if (mode === wanted) return;
    const { directory, names } = this.#place;
    restoreMode(directory.at(names[kind]), file, wanted);
    this.#modeChanged(names[kind], mode, wanted);
  }

  #modeChanged(name: string, mode: number, wanted: number): void {
    const { directory } = this.#place;
    this.#owner.fault(modeChanged(joinPath(directory.path, name), mode, wanted));
  }

  #isMissing(kind: SocketKind): boolean {
    const { directory, names, path } = this.#place;
    const published = this.#owner.sockets.file(kind);
    // A server that is still starting has no socket yet.
    if (!published) return false;
    const stats = lstatIfThere(directory.at(names[kind]));
    if (!stats) return true;
    const file = identityOf(stats);
    if (sameFile(published, file)) {
      this.#attempt(() => this.#keepMode(kind, file, stats));
      return false;
    }
    const complained = this.#complained.get(kind);
    if (complained && sameFile(complained, file)) return false;
    this.#complained.set(kind, file);
    // I2: a foreign file is not replaced, not even at our own path.
    this.#owner.fault(foreignFile(path, joinPath(directory.path, names[kind]), stats));
    return false;
  }
}
