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
 * Where a server listens: a socket in a private directory. With `activate` the socket is ours, and this process holds it
 * for one server after the other. The record names the directory as long as it exists (I4). No other user can look into
 * it (I6).
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

  /** The full path of the socket, as the server binds it and the kernel lists it. */
  get boundPath(): string {
    return joinPath(this.#place.directory.path, this.name);
  }

  /** Whether a file with that name exists. */
  get exists(): boolean {
    return lstatIfThere(this.#at) !== undefined;
  }

  /** Whether the kernel lists a server as listening there; undefined where the kernel does not tell. */
  get listed(): boolean | undefined {
    return listensAt(this.boundPath);
  }

  /** Whether the socket is ours. The server cannot replace it then. */
  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** Whether clients can queue at the socket while no server runs. */
  get queues(): boolean {
    return this.#held?.bound === true;
  }

  /** The descriptor that a server inherits. */
  get heldFd(): number | undefined {
    return this.#held?.fd;
  }

  /** Creates the directory if it does not exist yet. */
  make(): void {
    this.#temporary ??= makeTemporary(this.#host.lock, 'append', this.#host.remains);
  }

  /** Listens there with a socket of ours. */
  async listen(): Promise<void> {
    const held = new HeldSocket();
    this.#held = held;
    await held.bind(this.#at);
  }

  /** Resolves when a server accepts connections. */
  untilReady(signal: AbortSignal): Promise<void> {
    return this.#held ? untilAccepted(this.#at, this.#at, signal) : untilConnectable(this.#at, signal);
  }

  /** Resolves when a client waits at the held socket. Undefined where the system does not tell. */
  untilClient(): Promise<void> | undefined {
    return this.#held?.untilClient();
  }

  stopWaiting(): void {
    this.#held?.stopWaiting();
  }

  /** Restores the mode of the directory if another program has changed it. */
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

  /** Makes room for the next server. A held socket stays for it, unless the socket has lost its name. */
  async clear(): Promise<void> {
    if (this.#held && this.exists) return;
    await this.close();
    this.#held = undefined;
  }

  /** Stops listening, and removes the directory. */
  async close(): Promise<void> {
    await this.#held?.close();
    if (this.#temporary === undefined) return;
    // A failure here must not prevent the next start. The owner tries again at its end.
    this.#host.remains.removeDirectory(this.#place.directory, this.#temporary);
    this.#temporary = undefined;
  }

  get #at(): string {
    return this.#place.directory.at(this.name);
  }
}
