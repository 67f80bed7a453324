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

/** Errors of an accept that say that there are no descriptors left, for this process or for all. */
const exhausted = new Set(['EMFILE', 'ENFILE']);

/** What the sockets need of their owner. */
export interface SocketsOwner {
  readonly lock: LockFile;
  readonly settings: OwnerSettings;
  /** Listens on the data socket. */
  readonly server: Server;
  /** Get the connections to the control socket; give up what can be spared, if one could not be accepted for want of descriptors. */
  readonly members: { accept(socket: Socket): void; makeRoom(): void };
  fault(error: unknown): void;
}

/** The sockets that an owner has published: who listens on them, and which files they are. */
export class Sockets {
  readonly #owner: SocketsOwner;
  readonly #listeners = new Map<SocketKind, Listener>();
  readonly #files = new Map<SocketKind, Identity>();
  readonly #published: Identity[] = [];
  /** What publishing has left, and could not remove. */
  readonly remains = new Remains((error) => {
    const { path } = this.#owner.lock.place;
    this.#owner.fault(systemError(error, path, `remove a private directory of ${path}`));
  });
  #keepsAlive = true;
  #underWay: Promise<void> | undefined;

  constructor(owner: SocketsOwner) {
    this.#owner = owner;
  }

  /** Every file that was ever published, for a later claim to recognise as ours. */
  get published(): readonly Identity[] {
    return this.#published;
  }

  /** The file of a socket, if it was published. */
  file(kind: SocketKind): Identity | undefined {
    return this.#files.get(kind);
  }

  /** The mode that a socket has to have. */
  modeOf(kind: SocketKind): number {
    return kind === 'data' ? this.#owner.settings.mode : controlMode;
  }

  /**
   * Publishes sockets, for the first time or in the place of files that were lost; the first ones begin the record. Says
   * which: not the data socket while nothing listens there.
   */
  publish(kinds: readonly SocketKind[], record?: 'begin'): Promise<readonly SocketKind[]> {
    const publishing = this.#publish(kinds, record);
    const over = (): void => {
      if (this.#underWay === underWay) this.#underWay = undefined;
    };
    // Whoever asked for it is told of a failure.
    const underWay: Promise<void> = publishing.then(over, over);
    this.#underWay = underWay;
    return publishing;
  }

  /** The publishing that is under way, if there is one: what it makes is not known yet, and cannot be removed. */
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
      // Not before the loop has accepted who came by the old file.
      if (old) setImmediate(() => setImmediate(() => old.close()));
      this.#listeners.set(kind, from);
      this.#hold(from);
    });
    return publications.map(({ kind }) => kind);
  }

  /**
   * Removes the names that still lead to what was published there. That takes no lock: what we made is ours (I2), and left
   * behind by an owner that was deposed, nobody else could know whose it is. One that cannot be removed keeps no other.
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

  /** Accepts nobody any more; open connections go on. Idempotent. */
  close(): void {
    for (const listener of this.#listeners.values()) listener.close();
  }

  /** Whether the sockets keep the process alive, those of later repairs included. */
  keepAlive(alive: boolean): void {
    this.#keepsAlive = alive;
    for (const listener of this.#listeners.values()) this.#hold(listener);
  }

  #createControlServer(): NetServer {
    // How many of them there may be is decided where it is known which are members.
    const server = createServer((socket) => this.#owner.members.accept(socket));
    // What fails until then is told to whoever has it listen.
    server.once('listening', () => server.on('error', (error) => this.#failed(error)));
    return server;
  }

  #failed(error: Error): void {
    if (exhausted.has(errnoOf(error) ?? '')) this.#owner.members.makeRoom();
    const { path } = this.#owner.lock.place;
    this.#owner.fault(systemError(error, path, `accept a member of ${path}`));
  }

  #hold(listener: Listener): void {
    if (this.#keepsAlive) listener.ref();
    else listener.unref();
  }
}
