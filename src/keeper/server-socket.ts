import { identityOf, lstatIfThere } from '../files/identity.js';
import { modeBits, restoreMode } from '../files/mode.js';
import { joinPath } from '../files/paths.js';
import type { Place } from '../files/place.js';
import { makeTemporary } from '../files/publish.js';
import type { RecordEntry } from '../files/record.js';
import { modeChanged } from '../ownership/reasons.js';
import { privateDirectoryMode } from '../protocol/constants.js';
import { HeldSocket } from './activation.js';
import { untilAccepted, untilConnectable } from './readiness.js';
import type { ServerHost } from './server-host.js';
import { listensAt } from './socket-table.js';

/**
 * Where a server listens: a private directory with its socket; in activation mode that socket is ours, and held for one
 * server after the other. The record names the directory as long as it exists (I4), and no other user can look into it (I6).
 */
export class ServerSocket {
  readonly #place: Place;
  readonly #host: ServerHost;
  #temporary: string | undefined;
  #held: HeldSocket | undefined;

  constructor(place: Place, host: ServerHost) {
    this.#place = place;
    this.#host = host;
  }

  get recorded(): readonly RecordEntry[] {
    return this.#temporary === undefined ? [] : [{ temporary: this.#temporary }];
  }

  /** The name of the socket, in its private directory. */
  get name(): string {
    return `${this.#temporary}/${this.#place.names.data}`;
  }

  /** The same as the server binds it, and as the kernel lists it. */
  get boundPath(): string {
    return joinPath(this.#place.directory.path, this.name);
  }

  /** Whether a file has the name. */
  get exists(): boolean {
    return lstatIfThere(this.#at) !== undefined;
  }

  /** Whether the kernel lists a server as listening there; undefined where that cannot be seen. */
  get listed(): boolean | undefined {
    return listensAt(this.boundPath);
  }

  /** Whether it is a socket of ours, which no server can make again. */
  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** Whether clients can queue at it without a server. */
  get queues(): boolean {
    return this.#held?.bound === true;
  }

  /** The descriptor that a server is handed. */
  get heldFd(): number | undefined {
    return this.#held?.fd;
  }

  /** Makes the directory, if there is none. */
  make(): void {
    this.#temporary ??= makeTemporary(this.#host.lock, 'append', this.#host.remains);
  }

  /** Has a socket of ours listen there. */
  async hold(): Promise<void> {
    const held = new HeldSocket();
    this.#held = held;
    await held.bind(this.#at);
  }

  /** Resolves when a server accepts connections. */
  untilReady(signal: AbortSignal): Promise<void> {
    return this.#held ? untilAccepted(this.#at, this.#at, signal) : untilConnectable(this.#at, signal);
  }

  /** Resolves when a client waits at the held socket. Undefined where that cannot be seen. */
  untilClient(): Promise<void> | undefined {
    return this.#held?.untilClient();
  }

  stopWaiting(): void {
    this.#held?.stopWaiting();
  }

  /** Gives the directory its mode back, if another program has changed it. */
  keepPrivate(): void {
    if (this.#temporary === undefined) return;
    const { directory } = this.#place;
    const at = directory.at(this.#temporary);
    const stats = lstatIfThere(at);
    const mode = Number(stats?.mode) & modeBits;
    if (!stats?.isDirectory() || mode === privateDirectoryMode) return;
    restoreMode(at, identityOf(stats), privateDirectoryMode);
    this.#host.fault(modeChanged(joinPath(directory.path, this.#temporary), mode, privateDirectoryMode));
  }

  /** Makes room for the next server. A held socket stays for it, unless no name leads to that socket any more. */
  async clear(): Promise<void> {
    if (this.#held && this.exists) return;
    await this.close();
    this.#held = undefined;
  }

  /** Listens no more, and removes the directory. */
  async close(): Promise<void> {
    await this.#held?.close();
    if (this.#temporary === undefined) return;
    // What cannot be removed now keeps no server from being started again; the owner's end tries once more.
    this.#host.remains.removeDirectory(this.#place.directory, this.#temporary);
    this.#temporary = undefined;
  }

  get #at(): string {
    return this.#place.directory.at(this.name);
  }
}
