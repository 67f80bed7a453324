import type { Endpoint } from './endpoint.js';

/** Whether a reference keeps the process alive: as its role decides, or as the user said. */
export type KeepAlive = 'by-role' | 'yes' | 'no';

/** Controllers by signal. A signal that is still in use keeps its controller alive; nothing else does. */
const controllers = new WeakMap<AbortSignal, AbortController>();

/**
 * One counted reference, as the endpoint sees it. The user's handle points to it, never the other way round, so that a
 * dropped handle can be garbage-collected.
 */
export class ReferenceState {
  readonly endpoint: Endpoint;
  /** Where the reference was acquired, if leaks are traced. */
  readonly trace: string | undefined;
  keepAlive: KeepAlive = 'by-role';
  open = true;
  /** Resolves when the release of this reference is done; undefined before it is closed. */
  closing: Promise<void> | undefined;
  #signal: WeakRef<AbortSignal> | undefined;

  constructor(endpoint: Endpoint, trace: string | undefined) {
    this.endpoint = endpoint;
    this.trace = trace;
  }

  /** Whether the reference counts. */
  get active(): boolean {
    return this.open && this.endpoint.live;
  }

  /** Whether its signal was ever requested. */
  get watched(): boolean {
    return this.#signal !== undefined;
  }

  /** The signal of the handle. It is created at first use, and already aborted if the reference is inactive by then. */
  signal(): AbortSignal {
    const known = this.#signal?.deref();
    if (known) return known;
    const controller = new AbortController();
    const { signal } = controller;
    controllers.set(signal, controller);
    this.#signal = new WeakRef(signal);
    if (this.active) this.endpoint.watch(this);
    else controller.abort(this.endpoint.closedError(this.open));
    return signal;
  }

  /** Aborts the signal if one was handed out. `reason` is a function because creating an Error is slow. */
  abort(reason: () => Error): void {
    const signal = this.#signal?.deref();
    if (signal) controllers.get(signal)?.abort(reason());
  }
}
