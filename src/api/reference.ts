import type { Socket } from 'node:net';
import type { ReferenceState } from '../endpoint/reference-state.js';
import { type ConnectOptions, connectTo } from './connect.js';

/** Releases what was dropped without `close()`. */
const dropped = new FinalizationRegistry<ReferenceState>((state) => state.endpoint.collected(state));

let create: (state: ReferenceState) => SocketReference;

/** The counted reference behind a handle. */
export let stateOf: (reference: SocketReference) => ReferenceState;

/**
 * A counted reference to a socket. As long as one is held anywhere, the socket is served; with the last one it stops,
 * and all of its files are removed.
 *
 * As a member it does not keep the process alive; as owner the listener does, as any server of Node ({@link SocketReference.unref}
 * changes it). Dropped without {@link SocketReference.close} it is released once it is collected, and reported as a `leak`.
 *
 * @example
 * ```ts
 * await using reference = await acquire('db.sock', { serve: (socket) => socket.end('hello') });
 * const socket = await reference.connect();
 * ```
 */
export class SocketReference {
  /** The canonical path of the socket. Stays readable for ever. */
  readonly path: string;
  readonly #state: ReferenceState;
  /** Kept here, so that what listens to the signal is told as long as this handle lives. */
  #signal: AbortSignal | undefined;

  private constructor(state: ReferenceState) {
    this.#state = state;
    this.path = state.endpoint.place.path;
    dropped.register(this, state, state);
  }

  static {
    create = (state) => new SocketReference(state);
    stateOf = (reference) => reference.#state;
  }

  /** Whether it still counts: false once it was closed, cleaned up or finally lost. True while a new owner is sought. */
  get isActive(): boolean {
    return this.#state.active;
  }

  /**
   * Live references to the socket, of all processes; exact for this one at every moment, and for the others as soon as
   * what they told has arrived. 0 once this one is inactive.
   */
  get referenceCount(): number {
    return this.#state.active ? this.#state.endpoint.references : 0;
  }

  /** Whether this thread serves the socket, or is attached to one that does. Can change when an owner is lost. */
  get role(): 'owner' | 'member' {
    return this.#state.endpoint.role;
  }

  /** Aborts when the reference becomes inactive; its `reason` is an error that says why. */
  get signal(): AbortSignal {
    this.#signal ??= this.#state.signal();
    return this.#signal;
  }

  /**
   * Another reference to the same socket, at once.
   *
   * @throws SocketReferenceError `ERR_SOCKREF_CLOSED` if this one is inactive, `ERR_SOCKREF_LIMIT_EXCEEDED` if there are
   * too many; no count changes then
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
   * Connects to the socket. While the owner is being replaced it waits, for `timeoutMs` (default 10,000) at most.
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
   * Releases the reference. Idempotent. The promise resolves when the release is counted; if it was the last reference
   * and the socket does not linger, when every file is gone.
   *
   * @throws SocketReferenceError if it was the last one and a file could not be removed
   * @example
   * ```ts
   * await reference.close();
   * ```
   */
  close(): Promise<void> {
    const state = this.#state;
    if (state.open) dropped.unregister(state);
    return state.endpoint.release(state);
  }

  /** Has this reference keep the process alive, in whatever role. Returns the reference. */
  ref(): this {
    this.#state.endpoint.keepAlive(this.#state, 'yes');
    return this;
  }

  /** Lets the process end in spite of this reference; at its exit the files are removed. Returns the reference. */
  unref(): this {
    this.#state.endpoint.keepAlive(this.#state, 'no');
    return this;
  }

  /** Releases it at the end of a `using` block, without waiting; a failure is reported as a `fault`. */
  [Symbol.dispose](): void {
    // The endpoint reports the failure of a stop by itself.
    this.close().catch(() => {});
  }

  /** Releases it at the end of an `await using` block, as {@link SocketReference.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The handle for a state. */
export function createReference(state: ReferenceState): SocketReference {
  return create(state);
}

/** Where a reference is being acquired: the stack below the given function. */
export function traceOf(below: (...args: never[]) => unknown): string {
  const at: { stack?: string } = {};
  Error.captureStackTrace(at, below);
  // The first line names the object, not a place.
  return (at.stack ?? '').split('\n').slice(1).join('\n');
}
