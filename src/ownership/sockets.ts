import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { errnoOf, systemError } from '../errors/system.js';
import { takeEach } from '../files/each.js';
import type { Identity } from '../files/identity.js';
import type { LockFile } from '../files/lock-file.js';
import { type Listener, listenerOf, publish } from '../files/publish.js';
import { Remains } from '../files/remains.js';
import { unlinkIfSame } from '../files/remove.js';
import { controlMode } from '../protocol/constants.js';
import type { Server } from '../serving/server.js';
import type { OwnerSettings } from './settings.js';

/** The two sockets of an endpoint. */
export type SocketKind = 'control' | 'data';

/** Errors of an accept that mean that this process, or the system, has no descriptors left. */
const exhausted = new Set(['EMFILE', 'ENFILE']);

/** What the sockets need from their owner. */
export interface SocketsOwner {
  readonly lock: LockFile;
  readonly settings: OwnerSettings;
  /** What listens on the data socket. */
  readonly server: Server;
  /**
   * Takes connections to the control socket. `makeRoom` closes some if another one could not be accepted for want of
   * descriptors.
   */
  readonly members: { accept(socket: Socket): void; makeRoom(): void };
  fault(error: unknown): void;
}

/** The published sockets of an owner: their listeners and their files. */
export class Sockets {
  readonly #owner: SocketsOwner;
  readonly #listeners = new Map<SocketKind, Listener>();
  readonly #files = new Map<SocketKind, Identity>();
  readonly #published: Identity[] = [];
  /** What publishing left behind and could not remove. */
  readonly remains = new Remains((error) => {
    const { path } = this.#owner.lock.place;
    this.#owner.fault(systemError(error, path, `remove a private directory of ${path}`));
  });
  #keepsAlive = true;
  #underWay: Promise<void> | undefined;

  constructor(owner: SocketsOwner) {
    this.#owner = owner;
  }

  /** Every file that was ever published; a later claim recognises them as ours. */
  get published(): readonly Identity[] {
    return this.#published;
  }

  /** The file of a socket, if it was published. */
  file(kind: SocketKind): Identity | undefined {
    return this.#files.get(kind);
  }

  /** The mode that a socket must have. */
  modeOf(kind: SocketKind): number {
    return kind === 'data' ? this.#owner.settings.mode : controlMode;
  }

  /**
   * Publishes sockets, for the first time or in place of lost files; the first ones begin the record. Returns which
   * were published: not the data socket while nothing listens there.
   */
  publish(kinds: readonly SocketKind[], record?: 'begin'): Promise<readonly SocketKind[]> {
    const publishing = this.#publish(kinds, record);
    const over = (): void => {
      if (this.#underWay === underWay) this.#underWay = undefined;
    };
    // The caller gets a failure.
    const underWay: Promise<void> = publishing.then(over, over);
    this.#underWay = underWay;
    return publishing;
  }

  /** The publishing that is in progress, if any. Its files are not known yet, and cannot be removed. */
  settled(): Promise<void> | undefined {
    return this.#underWay;
  }

  async #publish(kinds: readonly SocketKind[], record?: 'begin'): Promise<readonly SocketKind[]> {
    const { lock, server } = this.#owner;
    const publications = kinds.flatMap((kind) => {
      const from = kind === 'data' ? server.source() : listenerOf(this.#createControlServer());
      return from === undefined ? [] : [{ kind, name: lock.place.names[kind], from, mode: this.modeOf(kind) }];
    });
    if (publications.length === 0) return [];
    const files = await publish(lock, publications, record, this.remains);
    this.#published.push(...files);
    publications.forEach(({ kind, from }, index) => {
      this.#files.set(kind, files[index] as Identity);
      if (typeof from === 'string') return;
      const old = this.#listeners.get(kind);
      // Only after the event loop has accepted the clients that connected through the old file.
      if (old) setImmediate(() => setImmediate(() => old.close()));
      this.#listeners.set(kind, from);
      this.#applyKeepAlive(from);
    });
    return publications.map(({ kind }) => kind);
  }

  /**
   * Removes the names that still lead to the published files. That needs no lock, because we made the files (I2), and
   * no other process would know them as a deposed owner's. If one cannot be removed, the others still are.
   */
  unlink(kinds: readonly SocketKind[] = ['control', 'data']): void {
    const { directory, names } = this.#owner.lock.place;
    const errors = takeEach(
      kinds.map((kind) => () => {
        const file = this.#files.get(kind);
        if (file) unlinkIfSame(directory, names[kind], file);
      }),
    );
    if (errors.length > 0) throw errors[0];
  }

  /** Stops accepting. Open connections continue. Idempotent. */
  close(): void {
    for (const listener of this.#listeners.values()) listener.close();
  }

  /** Sets whether the sockets keep the process alive, including those of later repairs. */
  keepAlive(alive: boolean): void {
    this.#keepsAlive = alive;
    for (const listener of this.#listeners.values()) this.#applyKeepAlive(listener);
  }

  #createControlServer(): NetServer {
    // The number of control connections is limited by the members, which know which connections are members.
    const server = createServer((socket) => this.#owner.members.accept(socket));
    // The caller of bind gets the errors until then.
    server.once('listening', () => server.on('error', (error) => this.#failed(error)));
    return server;
  }

  #failed(error: Error): void {
    if (exhausted.has(errnoOf(error) ?? '')) this.#owner.members.makeRoom();
    const { path } = this.#owner.lock.place;
    this.#owner.fault(systemError(error, path, `accept a member of ${path}`));
  }

  #applyKeepAlive(listener: Listener): void {
    if (this.#keepsAlive) listener.ref();
    else listener.unref();
  }
}
