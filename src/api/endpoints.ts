import { Endpoint } from '../endpoint/endpoint.js';
import type { EndpointHost } from '../endpoint/host.js';
import { isSocketReferenceError, SocketReferenceError } from '../errors/error.js';
import { noDefaultDirectory } from '../ownership/reasons.js';
import { limitExceeded } from './limits.js';
import { isMissing, KnownDefault, type Location, locate, openPlace } from './locate.js';
import type { ResolvedAcquireOptions, ResolvedManagerOptions } from './options.js';

/**
 * The endpoints of one manager, found by the paths that users give. A canonical path has at most one endpoint at a
 * time, and a closed manager creates none.
 */
export class Endpoints {
  readonly #byPath = new Map<string, Endpoint>();
  readonly #known = new KnownDefault();
  readonly #options: ResolvedManagerOptions;
  readonly #host: EndpointHost;
  #closed: Promise<void> | undefined;

  constructor(options: ResolvedManagerOptions, host: EndpointHost) {
    this.#options = options;
    this.#host = host;
  }

  /** All endpoints, including those that are starting or ending. */
  get all(): Endpoint[] {
    return [...this.#byPath.values()];
  }

  /** How many are live. */
  get liveCount(): number {
    let count = 0;
    for (const endpoint of this.#byPath.values()) if (endpoint.live) count++;
    return count;
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** The endpoint at a canonical path, or at a bare name whose directory is known. Needs no system call. */
  known(path: string): Endpoint | undefined {
    return this.#byPath.get(path) ?? this.#byPath.get(this.#known.pathOf(path) ?? '');
  }

  /** The live endpoint that a path leads to. Examines the disk if necessary. */
  find(path: string): Endpoint | undefined {
    const known = this.known(path);
    if (known?.live) return known;
    const found = this.#lookUp(path);
    return found?.live ? found : undefined;
  }

  /** As {@link Endpoints.find}, but undefined for an invalid path. */
  findSafely(path: string): Endpoint | undefined {
    return safely(path, () => this.find(path));
  }

  /** As {@link Endpoints.findSafely}, but also for an endpoint that is starting or ending. */
  findAnySafely(path: string): Endpoint | undefined {
    return safely(path, () => this.known(path) ?? this.#lookUp(path));
  }

  /** The location of an acquire. Creates the default directory if the acquire can serve there. */
  locate(path: string | undefined, canServe: boolean): Location {
    try {
      const location = locate(path, canServe, this.#options.allowedDirectories);
      this.#known.learn(location);
      return location;
    } catch (error) {
      // An acquire that can only join does not make the default directory, and without it no process can serve there.
      if (canServe || !isMissing(error) || path?.includes('/')) throw error;
      throw noDefaultDirectory(path, error);
    }
  }

  /** The endpoint at a location. If there is none, a new one begins to claim its socket. */
  at(location: Location, { serverSpec, settings }: ResolvedAcquireOptions): Endpoint {
    const known = this.#byPath.get(location.path);
    if (known) return known;
    const { maxSockets } = this.#options.limits;
    if (this.#byPath.size >= maxSockets)
      throw limitExceeded('maxSockets', maxSockets, 'sockets are in use', location.path);
    const endpoint = new Endpoint(openPlace(location), settings, serverSpec, this.#host);
    this.#byPath.set(location.path, endpoint);
    return endpoint;
  }

  /** Removes an endpoint that is over. */
  remove(endpoint: Endpoint): void {
    const { path, directory } = endpoint.place;
    // Only if the entry is still this one: its successor may have taken the place.
    if (this.#byPath.get(path) === endpoint) this.#byPath.delete(path);
    directory.release();
  }

  /** Ends all endpoints at once. Resolves when every file is removed, or belongs to another owner. */
  async forceAll(): Promise<void> {
    const ends = this.all.map((endpoint) => endpoint.force());
    const failed = (await Promise.allSettled(ends)).filter((end) => end.status === 'rejected');
    const errors = failed.map(({ reason }) => reason as SocketReferenceError);
    if (errors.length > 0) throw inOne(errors);
  }

  /** Ends all endpoints, and creates no more. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.forceAll();
    return this.#closed;
  }

  /** @throws SocketReferenceError `ERR_SOCKREF_CLOSED` */
  assertOpen(): void {
    if (!this.#closed) return;
    const message = 'This manager was closed; use another one';
    throw new SocketReferenceError('ERR_SOCKREF_CLOSED', message, { reason: 'closed' });
  }

  #lookUp(path: string): Endpoint | undefined {
    try {
      return this.#byPath.get(locate(path, false, undefined).path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }
}

/** An invalid path leads to no socket. */
function safely(path: string, find: () => Endpoint | undefined): Endpoint | undefined {
  if (typeof path !== 'string') return undefined;
  try {
    return find();
  } catch (error) {
    if (isSocketReferenceError(error)) return undefined;
    throw error;
  }
}

/** A single error as it is; for several, one that names them all, with the code and fields of the first. */
function inOne(errors: readonly SocketReferenceError[]): SocketReferenceError {
  const [first, ...others] = errors as [SocketReferenceError, ...SocketReferenceError[]];
  if (others.length === 0) return first;
  const { code, ...fields } = first;
  const message = `Several sockets could not be cleaned up: ${errors.map((error) => error.message).join('; ')}`;
  return new SocketReferenceError(code, message, { ...fields, cause: new AggregateError(errors, message) });
}
