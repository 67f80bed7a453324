import { systemClock } from '../clock.js';
import { query } from '../control/inspect.js';
import { CleanUps } from '../endpoint/clean-ups.js';
import { Endpoint } from '../endpoint/endpoint.js';
import type { EndpointHost } from '../endpoint/host.js';
import { abortError, isSocketReferenceError, SocketReferenceError } from '../errors/error.js';
import { typedError } from '../errors/system.js';
import { assertPlatform } from '../files/platform.js';
import { noDefaultDirectory } from '../ownership/reasons.js';
import { inspectTimeoutMs } from '../protocol/constants.js';
import { defaultManager } from './default-manager.js';
import { ManagerEmitter } from './events.js';
import { createHost } from './host.js';
import { infoOf, type SocketInfo } from './info.js';
import { listSockets } from './listing.js';
import { isMissing, KnownDefault, type Location, locate, openPlace } from './locate.js';
import { sweepNameless } from './nameless.js';
import {
  type AcquireOptions,
  checkAcquireOptions,
  type ResolvedAcquireOptions,
  type ResolvedManagerOptions,
  resolveAcquireOptions,
  resolveManagerOptions,
  type SocketManagerOptions,
  serverSpecOf,
} from './options.js';
import { createReference, type SocketReference, traceOf } from './reference.js';
import { ManagerCounters, type ManagerStats } from './stats.js';
import { stopCommand } from './stop.js';

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
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #cleanUps: CleanUps;
  readonly #counters = new ManagerCounters();
  readonly #known = new KnownDefault();
  readonly #host: EndpointHost;
  #pending = 0;
  #closed: Promise<void> | undefined;

  /** @throws SocketReferenceError `ERR_SOCKREF_INVALID_OPTION`, `ERR_SOCKREF_UNSUPPORTED` */
  constructor(options?: SocketManagerOptions) {
    super();
    assertPlatform();
    this.#options = resolveManagerOptions(options);
    this.#cleanUps = new CleanUps(this.#options.limits.cleanupConcurrency);
    this.#host = createHost({
      counters: this.#counters,
      cleanUps: this.#cleanUps,
      maxReferences: this.#options.limits.maxReferencesPerSocket,
      heard: (name) => this.heard(name),
      tell: (name, event) => this.tell(name, event),
      gone: (endpoint) => this.#gone(endpoint),
    });
  }

  /** The manager of this thread that all copies of the package share. A new one, if it was closed. */
  static get default(): SocketManager {
    return defaultManager(() => new SocketManager());
  }

  /** Whether {@link SocketManager.close} was called. */
  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /**
   * A reference to the socket at a path. The first one makes this process serve it; while it is active, everybody else
   * shares it as it is.
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
    this.#assertOpen();
    const trace = this.#options.traceLeaks ? traceOf(this.acquire) : undefined;
    if (options?.signal?.aborted) throw abortError(options.signal);
    const active = path === undefined ? undefined : this.#shortcut(path);
    if (active) {
      if (options && !active.canServe) active.offer(serverSpecOf(options));
      return createReference(active.share(trace));
    }
    const resolved = resolveAcquireOptions(options, this.#options);
    const { maxPendingAcquires } = this.#options.limits;
    if (this.#pending >= maxPendingAcquires)
      throw limitExceeded('maxPendingAcquires', maxPendingAcquires, 'acquires wait', path);
    this.#pending++;
    try {
      const location = this.#locate(path, resolved);
      if (path === undefined && resolved.serverSpec) sweepNameless(location.directory, this.#host);
      return await this.#wait(location, resolved, trace);
    } catch (error) {
      throw typedError(error, path, `acquire ${path ?? 'a new socket'}`);
    } finally {
      this.#pending--;
    }
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
    const known = this.#endpoints.get(path);
    const endpoint = known?.live ? known : this.#find(path);
    if (!endpoint) return undefined;
    return createReference(endpoint.share(this.#options.traceLeaks ? traceOf(this.getExisting) : undefined));
  }

  /** Whether a socket is active here. False, never a throw, for any string. */
  isSocketActive(path: string): boolean {
    return this.#findSafely(path) !== undefined;
  }

  /** Live references to a socket, of all processes; 0 if it is not active here. */
  referenceCount(path: string): number {
    return this.#findSafely(path)?.references ?? 0;
  }

  /** How many sockets are active here. Sockets, not references. */
  get activeSocketCount(): number {
    let count = 0;
    for (const endpoint of this.#endpoints.values()) if (endpoint.live) count++;
    return count;
  }

  /**
   * Ends all references of this manager to one socket, at once. Other processes that share it go on among themselves; but
   * what a command serves, which belongs to no process, ends for everybody, as by `sockref stop --force`, whether or not
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
    const endpoint = this.#findSafely(path, () => true);
    const own = endpoint?.role === 'owner';
    await endpoint?.force();
    const location = own ? undefined : this.#locateSafely(path);
    try {
      return (location !== undefined && (await stopAt(location))) || endpoint !== undefined;
    } catch (error) {
      // Told in case that nobody waits for it.
      this.#host.fault(location?.path ?? path, error);
      throw error;
    }
  }

  /** Ends all references of this manager, at once. Resolves when every file is gone, or is another owner's. */
  async cleanupAllSockets(): Promise<void> {
    const ends = [...this.#endpoints.values()].map((endpoint) => endpoint.force());
    const failed = (await Promise.allSettled(ends)).filter((end) => end.status === 'rejected');
    const [first, ...others] = failed.map(({ reason }) => reason as SocketReferenceError);
    if (!first) return;
    if (others.length === 0) throw first;
    const all = [first, ...others];
    const { code, ...fields } = first;
    const message = `Several sockets could not be cleaned up: ${all.map((error) => error.message).join('; ')}`;
    throw new SocketReferenceError(code, message, { ...fields, cause: new AggregateError(all, message) });
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
    return this.#counters.snapshot([...this.#endpoints.values()], this.#pending, this.#cleanUps);
  }

  /** Ends all references and refuses further acquires. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.cleanupAllSockets();
    return this.#closed;
  }

  /** As {@link SocketManager.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #assertOpen(): void {
    if (!this.#closed) return;
    throw new SocketReferenceError('ERR_SOCKREF_CLOSED', 'This manager was closed; use another one', {
      reason: 'closed',
    });
  }

  /** Only what can be known without a system call: the canonical path, or a bare name. */
  #shortcut(path: string): Endpoint | undefined {
    const endpoint = this.#endpoints.get(path) ?? this.#endpoints.get(this.#known.pathOf(path) ?? '');
    return endpoint?.state === 'active' ? endpoint : undefined;
  }

  #find(path: string, wanted = (endpoint: Endpoint) => endpoint.live): Endpoint | undefined {
    const endpoint = this.#endpoints.get(path) ?? this.#endpoints.get(this.#known.pathOf(path) ?? '');
    if (endpoint && wanted(endpoint)) return endpoint;
    let location: Location;
    try {
      location = locate(path, false, undefined);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    const found = this.#endpoints.get(location.path);
    return found && wanted(found) ? found : undefined;
  }

  #findSafely(path: string, wanted?: (endpoint: Endpoint) => boolean): Endpoint | undefined {
    if (typeof path !== 'string') return undefined;
    try {
      return this.#find(path, wanted);
    } catch (error) {
      // A path that breaks a rule leads to no socket of ours.
      if (isSocketReferenceError(error)) return undefined;
      throw error;
    }
  }

  /** Undefined for what leads to no socket that this manager may touch. */
  #locateSafely(path: string): Location | undefined {
    try {
      return locate(path, false, this.#options.allowedDirectories);
    } catch (error) {
      if (isSocketReferenceError(error)) return undefined;
      throw error;
    }
  }

  #locate(path: string | undefined, { serverSpec }: ResolvedAcquireOptions): Location {
    try {
      const location = locate(path, serverSpec !== undefined, this.#options.allowedDirectories);
      this.#known.learn(location);
      return location;
    } catch (error) {
      // Who can only join does not make the default directory, and without it nobody can serve there.
      if (serverSpec !== undefined || !isMissing(error) || path?.includes('/')) throw error;
      throw noDefaultDirectory(path, error);
    }
  }

  async #wait(
    location: Location,
    options: ResolvedAcquireOptions,
    trace: string | undefined,
  ): Promise<SocketReference> {
    const { serverSpec, signal } = options;
    const deadline = systemClock.now() + options.timeoutMs;
    for (;;) {
      this.#assertOpen();
      if (signal?.aborted) throw abortError(signal);
      const endpoint = this.#endpoints.get(location.path) ?? this.#create(location, options);
      if (endpoint.state === 'active') {
        // Reached by another spelling of its path, which only the look at the disk has shown to be the same.
        endpoint.offer(serverSpec);
        return createReference(endpoint.share(trace));
      }
      // At least one tick, so that whoever has waited this long gets the error that says what for.
      const timeoutMs = Math.max(1, deadline - systemClock.now());
      const waiting = endpoint.wait(
        { timeoutMs, total: options.timeoutMs, signal, trace, canServe: serverSpec !== undefined },
        serverSpec,
      );
      const state = await waiting;
      if (state !== 'start-over') return createReference(state);
    }
  }

  #create(location: Location, { serverSpec, settings }: ResolvedAcquireOptions): Endpoint {
    const { maxSockets } = this.#options.limits;
    if (this.#endpoints.size >= maxSockets)
      throw limitExceeded('maxSockets', maxSockets, 'sockets are in use', location.path);
    const endpoint = new Endpoint(openPlace(location), settings, serverSpec, this.#host);
    this.#endpoints.set(location.path, endpoint);
    return endpoint;
  }

  #gone(endpoint: Endpoint): void {
    // Only if the entry is still this one: its successor may have taken the place.
    if (this.#endpoints.get(endpoint.place.path) === endpoint) this.#endpoints.delete(endpoint.place.path);
    endpoint.place.directory.release();
  }
}

async function stopAt(location: Location): Promise<boolean> {
  const place = openPlace(location);
  try {
    return await stopCommand(place);
  } finally {
    place.directory.release();
  }
}

function limitExceeded(limit: string, max: number, what: string, path: string | undefined): SocketReferenceError {
  const message = `${max} ${what}, and ${limit} allows no more; release some, or raise the limit`;
  return new SocketReferenceError('ERR_SOCKREF_LIMIT_EXCEEDED', message, { ...(path && { path }), limit, max });
}
