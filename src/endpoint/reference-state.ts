import type { Endpoint } from './endpoint.js';

/** Whether a reference keeps the process alive: as its role has it, or as the user said. */
export type KeepAlive = 'by-role' | 'yes' | 'no';

/** Controllers by their signals: a signal that someone still listens to keeps its controller, and nothing else does. */
const controllers = new WeakMap<AbortSignal, AbortController>();

/**
 * One counted reference, as the endpoint knows it. The user's handle points here and never the other way round, so that
 * a handle that was dropped can be collected.
 */
export class ReferenceState {
  readonly endpoint: Endpoint;
  /** Where the reference was acquired, if leaks are traced. */
  readonly trace: string | undefined;
  keepAlive: KeepAlive = 'by-role';
  open = true;
  /** The end of what closing it began. */
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

  /** Whether its signal was ever asked for. */
  get watched(): boolean {
    return this.#signal !== undefined;
  }

  /** The signal of the handle; made at first need, aborted from the start if that is too late. */
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

  /** Aborts the signal, if anybody has it: an error is dear. */
  abort(reason: () => Error): void {
    const signal = this.#signal?.deref();
    if (signal) controllers.get(signal)?.abort(reason());
  }
}
