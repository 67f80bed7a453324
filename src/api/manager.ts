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
import type { SocketInfo } from './info.js';
import { infoOf } from './info-of.js';
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
 * Manages shared sockets. A thread usually needs only {@link SocketManager.default}, which all copies of the package
 * share.
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

  /** The manager of this thread that all copies of the package share. If it was closed, a new one is created. */
  static get default(): SocketManager {
    return defaultManager(() => new SocketManager());
  }

  /** Whether {@link SocketManager.close} was called. */
  get closed(): boolean {
    return this.#endpoints.closed;
  }

  /**
   * Acquires a reference to the socket at a path. If the socket is not served yet, this process begins to serve it. All
   * later acquires, in any process, share it as it is.
   *
   * @param path - omitted for a new, random name in the default directory; else a bare name there, or an absolute path
   * @param options - how to serve the socket, and how long to wait; see {@link AcquireOptions}
   * @returns the reference, once the socket accepts connections
   * @throws SocketReferenceError with a code of docs/errors.md; then no count has changed
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
   * Returns a new reference to a socket that is active in this manager, at once and without a system call; undefined if
   * the socket is not active here.
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

  /** Whether a socket is active in this manager. Returns false for an invalid path; never throws. */
  isSocketActive(path: string): boolean {
    return this.#endpoints.findSafely(path) !== undefined;
  }

  /** The references to a socket, of all processes; 0 if the socket is not active in this manager. */
  referenceCount(path: string): number {
    return this.#endpoints.findSafely(path)?.references ?? 0;
  }

  /** The number of sockets, not references, that are active in this manager. */
  get activeSocketCount(): number {
    return this.#endpoints.liveCount;
  }

  /**
   * Ends all references of this manager to one socket at once. Other processes that share the socket continue without
   * this one. A socket that a command serves ends for all its holders, as with `sockref stop --force`, even if this
   * manager has no reference to it.
   *
   * @returns whether there was anything to end; resolves when every file is removed, or belongs to another owner
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
      // The caller may not await the promise, so the failure is also reported as a fault.
      this.#host.fault(location?.path ?? path, error);
      throw error;
    }
  }

  /** Ends all references of this manager at once. Resolves when every file is removed, or belongs to another owner. */
  cleanupAllSockets(): Promise<void> {
    return this.#endpoints.forceAll();
  }

  /**
   * Asks the owner of a socket for its holders, without taking a reference. Works from any process. Resolves to
   * undefined if the socket does not exist.
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
   * Inspects all sockets in a directory, sorted by name. Without a directory it takes the default one.
   *
   * @example
   * ```ts
   * for (const { path, references } of await manager.list()) console.log(path, references);
   * ```
   */
  list(directory?: string): Promise<SocketInfo[]> {
    return listSockets(directory, (path) => this.inspect(path));
  }

  /** The current numbers of this manager, and what it has done so far. */
  stats(): ManagerStats {
    return this.#counters.snapshot(this.#endpoints.all, this.#pending.count, this.#cleanUps);
  }

  /**
   * Ends all references of this manager and refuses further acquires. Idempotent. Resolves when every file is removed,
   * or belongs to another owner.
   */
  close(): Promise<void> {
    return this.#endpoints.close();
  }

  /** Closes the manager at the end of an `await using` block, as {@link SocketManager.close} does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
