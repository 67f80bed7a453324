import { createServer, type Server, type Socket } from 'node:net';
import type { Identity } from '../files/identity.js';
import type { EndpointLock } from '../files/lock.js';
import { type Listener, listenerOf, publish, unlinkIfSame } from '../files/publish.js';
import { errnoOf, systemError } from '../system-errors.js';
import type { Service } from './service.js';
import type { OwnerSettings, Place } from './settings.js';

/** The two sockets of an endpoint. */
export type SocketKind = 'control' | 'data';

/** Mode of the control socket: members are of the same user, whoever may use the data socket. */
const controlMode = 0o600;

/** Errors of an accept that say that there are no descriptors left, for this process or for all. */
const exhausted = new Set(['EMFILE', 'ENFILE']);

/** What the sockets are made of. */
export interface SocketsParts {
  readonly place: Place;
  readonly settings: OwnerSettings;
  /** Listens on the data socket. */
  readonly service: Service;
  /** Gets the connections to the control socket. */
  readonly control: (socket: Socket) => void;
  /** Gives up what can be spared: a connection to the control socket could not be accepted for want of descriptors. */
  readonly makeRoom: () => void;
  readonly fault: (error: unknown) => void;
}

/** The sockets that an owner has published: who listens on them, and which files they are. */
export class Sockets {
  readonly #parts: SocketsParts;
  readonly #listeners = new Map<SocketKind, Listener>();
  readonly #files = new Map<SocketKind, Identity>();
  readonly #published: Identity[] = [];
  #keepsAlive = true;
  #underWay: Promise<void> | undefined;

  constructor(parts: SocketsParts) {
    this.#parts = parts;
  }

  /** Every file that was ever published, for a later claim to recognise as ours. */
  get published(): readonly Identity[] {
    return this.#published;
  }

  /** The file of a socket, if it was published. */
  file(kind: SocketKind): Identity | undefined {
    return this.#files.get(kind);
  }

  /** Publishes sockets, for the first time or in the place of files that were lost; the first ones begin the record. */
  publish(lock: EndpointLock, kinds: readonly SocketKind[], record?: 'begin'): Promise<void> {
    const publishing = this.#publish(lock, kinds, record);
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

  async #publish(lock: EndpointLock, kinds: readonly SocketKind[], record?: 'begin'): Promise<void> {
    const { place, settings, service } = this.#parts;
    const publications = kinds.map((kind) => ({
      kind,
      name: place.names[kind],
      from: kind === 'data' ? service.source() : listenerOf(this.#createControlServer()),
      mode: kind === 'data' ? settings.mode : controlMode,
    }));
    const files = await publish(lock, place.path, publications, record);
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
  }

  /**
   * Removes the names that still lead to what was published there. That takes no lock: what we made is ours (I2), and left
   * behind by an owner that was deposed, nobody else could know whose it is.
   */
  unlink(kinds: readonly SocketKind[] = ['control', 'data']): void {
    const { place } = this.#parts;
    for (const kind of kinds) {
      const file = this.#files.get(kind);
      if (file) unlinkIfSame(place, place.names[kind], file);
    }
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

  #createControlServer(): Server {
    // How many of them there may be is decided where it is known which are members.
    const server = createServer(this.#parts.control);
    // What fails until then is told to whoever has it listen.
    server.once('listening', () => server.on('error', (error) => this.#failed(error)));
    return server;
  }

  #failed(error: Error): void {
    if (exhausted.has(errnoOf(error) ?? '')) this.#parts.makeRoom();
    const { place, fault } = this.#parts;
    fault(systemError(error, place.path, `accept a member of ${place.path}`));
  }

  #hold(listener: Listener): void {
    if (this.#keepsAlive) listener.ref();
    else listener.unref();
  }
}
