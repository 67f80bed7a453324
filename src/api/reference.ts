import type { Socket } from 'node:net';
import type { ReferenceState } from '../endpoint/reference-state.js';
import { type ConnectOptions, connectTo } from './connect.js';
import { forget, releaseWhenDropped } from './dropped.js';

let create: (state: ReferenceState) => SocketReference;

/** The counted reference behind a handle. */
export let stateOf: (reference: SocketReference) => ReferenceState;

/**
 * A counted reference to a socket. The socket is served as long as any process holds a reference. When the last
 * reference is closed, the socket stops and all its files are removed.
 *
 * A member does not keep the process alive. An owner does, because its listener does, as with any server of Node;
 * {@link SocketReference.unref} changes that. A reference that is dropped without {@link SocketReference.close} is
 * released when it is garbage-collected, and reported as a `leak`.
 *
 * @example
 * ```ts
 * await using reference = await acquire('db.sock', { serve: (socket) => socket.end('hello') });
 * const socket = await reference.connect();
 * ```
 */
export class SocketReference {
  /** The canonical path of the socket. It stays readable after the reference is closed. */
  readonly path: string;
  readonly #state: ReferenceState;

  private constructor(state: ReferenceState) {
    this.#state = state;
    this.path = state.endpoint.place.path;
    releaseWhenDropped(this, state);
  }

  static {
    create = (state) => new SocketReference(state);
    stateOf = (reference) => reference.#state;
  }

  /**
   * Whether the reference counts. It is false once the reference is closed, cleaned up or finally lost, and true while
   * a new owner is sought.
   */
  get isActive(): boolean {
    return this.#state.active;
  }

  /**
   * How many references to the socket all processes hold. The own references are always exact; those of other processes
   * are as new as their last message. 0 once this reference is inactive.
   */
  get referenceCount(): number {
    return this.#state.active ? this.#state.endpoint.references : 0;
  }

  /**
   * Whether this thread serves the socket (`owner`) or is attached to the owner (`member`). It can change when an owner
   * is lost.
   */
  get role(): 'owner' | 'member' {
    return this.#state.endpoint.role;
  }

  /**
   * Aborts when the reference becomes inactive. Its `reason` is the error that says why. As long as it has a listener that
   * leads to this handle, the reference is not dropped.
   *
   * @example
   * ```ts
   * // Serves until the reference ends.
   * await once(reference.signal, 'abort');
   * ```
   */
  get signal(): AbortSignal {
    return this.#state.signal();
  }

  /**
   * Returns another reference to the same socket, at once.
   *
   * @throws SocketReferenceError `ERR_SOCKREF_CLOSED` if this reference is inactive, `ERR_SOCKREF_LIMIT_EXCEEDED` if
   * there are too many references. No count changes then.
   * @example
   * ```ts
   * const forTheWorker = reference.clone();
   * ```
   */
  clone(): SocketReference {
    const { endpoint, open, trace } = this.#state;
    if (!open || !endpoint.live) throw endpoint.closedError(open);
    return create(endpoint.share(trace === undefined ? undefined : traceOf(this.clone)));
  }

  /**
   * Connects to the socket. While the owner is being replaced it waits, for at most `timeoutMs` (default 10,000).
   *
   * @throws SocketReferenceError `ERR_SOCKREF_CLOSED`, `ERR_SOCKREF_TIMEOUT`, `ERR_SOCKREF_OWNER_LOST`
   * @throws DOMException `AbortError` if `signal` aborts
   * @example
   * ```ts
   * const socket = await reference.connect({ timeoutMs: 1000 });
   * ```
   */
  connect(options?: ConnectOptions): Promise<Socket> {
    return connectTo(this.#state, options);
  }

  /**
   * Releases the reference. Idempotent. The promise resolves when the release is counted. If this was the last
   * reference and the socket does not linger, it resolves when every file is removed.
   *
   * @throws SocketReferenceError if this was the last reference and a file could not be removed
   * @example
   * ```ts
   * await reference.close();
   * ```
   */
  close(): Promise<void> {
    const state = this.#state;
    if (state.open) forget(state);
    return state.endpoint.release(state);
  }

  /** Makes this reference keep the process alive, as owner and as member. Returns the reference. */
  ref(): this {
    this.#state.endpoint.keepAlive(this.#state, 'yes');
    return this;
  }

  /** Lets the process end although this reference is open; the exit removes the files. Returns the reference. */
  unref(): this {
    this.#state.endpoint.keepAlive(this.#state, 'no');
    return this;
  }

  /** Releases the reference at the end of a `using` block, without waiting. A failure is reported as a `fault`. */
  [Symbol.dispose](): void {
    // The endpoint reports the failure of a stop.
    this.close().catch(() => {});
  }

  /** Releases the reference at the end of an `await using` block, as {@link SocketReference.close} does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The handle for a state. */
export function createReference(state: ReferenceState): SocketReference {
  return create(state);
}

/** The stack of an acquire, below the given function. */
export function traceOf(below: (...args: never[]) => unknown): string {
  const at: { stack?: string } = {};
  Error.captureStackTrace(at, below);
  // The first line names the object, not a place.
  return (at.stack ?? '').split('\n').slice(1).join('\n');
}
