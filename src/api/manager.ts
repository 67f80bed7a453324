import { query } from '../control/inspect.js';
import { CleanUps } from '../endpoint/clean-ups.js';
import type { EndpointHost } from '../endpoint/host.js';
import { abortError } from '../errors/error.js';
import { typedError } from '../errors/system.js';
import { assertPlatform } from '../files/platform.js';
import { inspectTimeoutMs } from '../protocol/constants.js';
import { defaultManager } from './default-manager.js';
import { Endpoints } from './endpoints.js';
import { ManagerEmitter } from './events.js';
import { createHost } from './host.js';
import { infoOf, type SocketInfo } from './info.js';
import { listSockets } from './listing.js';
import { isMissing, locate, locateSafely, openPlace } from './locate.js';
import {
  type AcquireOptions,
  checkAcquireOptions,
  type ResolvedManagerOptions,
  resolveAcquireOptions,
  resolveManagerOptions,
  type SocketManagerOptions,
  serverSpecOf,
} from './options.js';
import { PendingAcquires } from './pending-acquires.js';
import { createReference, type SocketReference, traceOf } from './reference.js';
import { ManagerCounters, type ManagerStats } from './stats.js';
import { stopCommandAt } from './stop.js';

/**
 * The sockets that are shared by way of it: in a thread usually by {@link SocketManager.default}, which all copies of the
 * package have in common.
 *
 * @example
 * ```ts
 * const manager = new SocketManager({ limits: { maxSockets: 10 }, traceLeaks: true });
 * manager.on('leak', ({ path, trace }) => console.warn(`${path} was dropped:\n${trace}`));
 * const reference = await manager.acquire('db.sock', { serve });
 * ```
 */
export class SocketManager extends ManagerEmitter {
  readonly #options: ResolvedManagerOptions;
  readonly #host: EndpointHost;
  readonly #endpoints: Endpoints;
  readonly #pending: PendingAcquires;
  readonly #cleanUps: CleanUps;
  readonly #counters = new ManagerCounters();

  /** @throws SocketReferenceError `ERR_SOCKREF_INVALID_OPTION`, `ERR_SOCKREF_UNSUPPORTED` */
  constructor(options?: SocketManagerOptions) {
    super();
    assertPlatform();
    this.#options = resolveManagerOptions(options);
    const { cleanupConcurrency, maxReferencesPerSocket, maxPendingAcquires } = this.#options.limits;
    this.#cleanUps = new CleanUps(cleanupConcurrency);
    this.#host = createHost({
      counters: this.#counters,
      cleanUps: this.#cleanUps,
      maxReferences: maxReferencesPerSocket,
      heard: (name) => this.heard(name),
      tell: (name, event) => this.tell(name, event),
      gone: (endpoint) => this.#endpoints.remove(endpoint),
    });
    this.#endpoints = new Endpoints(this.#options, this.#host);
    this.#pending = new PendingAcquires(this.#endpoints, this.#host, maxPendingAcquires);
  }

  /** The manager of this thread that all copies of the package share. A new one, if it was closed. */
  static get default(): SocketManager {
    return defaultManager(() => new SocketManager());
  }

  /** Whether {@link SocketManager.close} was called. */
  get closed(): boolean {
    return this.#endpoints.closed;
  }

  /**
   * A reference to the socket at a path. The first one makes this process serve it; while it is active, all others
   * share it as it is.
   *
   * @param path - nothing for a new, unguessable name in the default directory; a bare name in it; or an absolute path
   * @throws SocketReferenceError with a code of docs/errors.md; no count has changed then
   * @throws DOMException `AbortError` if the signal aborts
   * @example
   * ```ts
   * const reference = await manager.acquire('db.sock', { serve: (socket) => socket.end('hello') });
   * ```
   */
  async acquire(path?: string, options?: AcquireOptions): Promise<SocketReference> {
    checkAcquireOptions(options);
    this.#endpoints.assertOpen();
    const trace = this.#options.traceLeaks ? traceOf(this.acquire) : undefined;
    if (options?.signal?.aborted) throw abortError(options.signal);
    const known = path === undefined ? undefined : this.#endpoints.known(path);
    if (known?.state === 'active') {
      if (options && !known.canServe) known.offer(serverSpecOf(options));
      return createReference(known.share(trace));
    }
    return createReference(await this.#pending.acquire(path, resolveAcquireOptions(options, this.#options), trace));
  }

  /**
   * A new reference (+1) to a socket that is active here, at once and without a system call; undefined if it is not.
   *
   * @throws SocketReferenceError `ERR_SOCKREF_INVALID_PATH`, `ERR_SOCKREF_LIMIT_EXCEEDED`
   * @example
   * ```ts
   * using reference = manager.getExisting('db.sock');
   * ```
   */
  getExisting(path: string): SocketReference | undefined {
    const endpoint = this.#endpoints.find(path);
    if (!endpoint) return undefined;
    return createReference(endpoint.share(this.#options.traceLeaks ? traceOf(this.getExisting) : undefined));
  }

  /** Whether a socket is active here. False, never a throw, for any string. */
  isSocketActive(path: string): boolean {
    return this.#endpoints.findSafely(path) !== undefined;
  }

  /** Live references to a socket, of all processes; 0 if it is not active here. */
  referenceCount(path: string): number {
    return this.#endpoints.findSafely(path)?.references ?? 0;
  }

  /** How many sockets are active here. Sockets, not references. */
  get activeSocketCount(): number {
    return this.#endpoints.liveCount;
  }

  /**
   * Ends all references of this manager to one socket, at once. Other processes that share it go on among themselves; but
   * what a command serves, which belongs to no process, ends for all, as by `sockref stop --force`, whether or not
   * this manager holds it.
   *
   * @returns whether there was anything to end; resolves when every file of it is gone, or is another owner's
   * @throws SocketReferenceError `ERR_SOCKREF_OWNER_UNRESPONSIVE`, or what could not be ended or removed
   * @example
   * ```ts
   * await manager.forceCleanupSocket('db.sock');
   * ```
   */
  async forceCleanupSocket(path: string): Promise<boolean> {
    const endpoint = this.#endpoints.findAnySafely(path);
    const own = endpoint?.role === 'owner';
    await endpoint?.force();
    const location = own ? undefined : locateSafely(path, this.#options.allowedDirectories);
    try {
      return (location !== undefined && (await stopCommandAt(location))) || endpoint !== undefined;
    } catch (error) {
      // The caller may not wait for the promise, so the failure is told as a fault too.
      this.#host.fault(location?.path ?? path, error);
      throw error;
    }
  }

  /** Ends all references of this manager, at once. Resolves when every file is gone, or is another owner's. */
  cleanupAllSockets(): Promise<void> {
    return this.#endpoints.forceAll();
  }

  /**
   * Who holds a socket, asked of its owner, from any process and without taking a reference. Undefined if there is none.
   *
   * @example
   * ```ts
   * const info = await manager.inspect('db.sock');
   * console.log(info?.references, info?.owner?.pid);
   * ```
   */
  async inspect(path: string): Promise<SocketInfo | undefined> {
    try {
      const place = openPlace(locate(path, false, this.#options.allowedDirectories));
      try {
        return infoOf(place.path, await query(place, inspectTimeoutMs));
      } finally {
        place.directory.release();
      }
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw typedError(error, path, `inspect ${path}`);
    }
  }

  /**
   * All sockets of a directory, by name; of the default directory if none is given.
   *
   * @example
   * ```ts
   * for (const { path, references } of await manager.list()) console.log(path, references);
   * ```
   */
  list(directory?: string): Promise<SocketInfo[]> {
    return listSockets(directory, (path) => this.inspect(path));
  }

  /** What this manager has and what it did. */
  stats(): ManagerStats {
    return this.#counters.snapshot(this.#endpoints.all, this.#pending.count, this.#cleanUps);
  }

  /** Ends all references and refuses further acquires. Idempotent. */
  close(): Promise<void> {
    return this.#endpoints.close();
  }

  /** As {@link SocketManager.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
