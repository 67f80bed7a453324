import type { Endpoint } from './endpoint.js';

/** Whether a reference keeps the process alive: as its role decides, or as the user said. */
export type KeepAlive = 'by-role' | 'yes' | 'no';

/**
 * One counted reference, as the endpoint sees it. The user's handle points to it, never the other way round, so that a
 * dropped handle can be garbage-collected. A listener of its signal that leads to the handle keeps it: code that waits for
 * the end of its reference, and that nothing else holds, must not be collected together with the reference.
 */
export class ReferenceState {
  readonly endpoint: Endpoint;
  /** Where the reference was acquired, if leaks are traced. */
  readonly trace: string | undefined;
  keepAlive: KeepAlive = 'by-role';
  open = true;
  /** Where its handle is among those of this turn of the event loop. */
  recentAt: number | undefined;
  /** Resolves when the release of this reference is done; undefined before it is closed. */
  closing: Promise<void> | undefined;
  #controller: AbortController | undefined;

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
    return this.#controller !== undefined;
  }

  /** The signal of the handle. It is created at first use, and already aborted if the reference is inactive by then. */
  signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.active) this.endpoint.watch(this);
      else this.#controller.abort(this.endpoint.closedError(this.open));
    }
    return this.#controller.signal;
  }

  /** Aborts the signal if one was handed out. `reason` is a function because creating an Error is slow. */
  abort(reason: () => Error): void {
    this.#controller?.abort(reason());
  }
}
