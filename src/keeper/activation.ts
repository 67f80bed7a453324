import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ClientWatch } from './client-watch.js';

/** What the worker is given. */
export interface HeldSocketData {
  readonly path: string;
  /** One cell, at which the worker waits: 0 while the socket is to be held. */
  readonly cell: Int32Array;
}

/** What it says: the listening descriptor; or what the system's error says, of which a message keeps no more than the text. */
export type HeldSocketAnswer = { readonly fd: number } | { readonly failed: { readonly message: string } };

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'binding'; readonly worker: Worker }
  | { readonly kind: 'held'; readonly worker: Worker; readonly fd: number }
  | { readonly kind: 'closed'; readonly done: Promise<void> };

/**
 * A listening socket that no event loop polls. Node's loop accepts on every listening handle that it knows, and a keeper
 * that did so would take connections from its server: so a worker thread holds it, which is blocked all the time.
 *
 * It does not keep the process alive. If its thread ends by itself, which it does only for want of memory, the process has an
 * uncaught exception: by no other descriptor could the next server get the socket.
 */
export class HeldSocket {
  readonly #cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #state: State = { kind: 'idle' };
  #exited: Promise<void> = Promise.resolve();
  #watch: ClientWatch | undefined;
  #stopWatching: AbortController | undefined;

  /** The descriptor, to be inherited by a server. */
  get fd(): number {
    if (this.#state.kind !== 'held') throw new Error(`the socket is ${this.#state.kind}, and has no descriptor`);
    return this.#state.fd;
  }

  /** Whether clients can queue at it. */
  get bound(): boolean {
    return this.#state.kind === 'held';
  }

  /** Binds to a path and listens; from then on clients queue. Once only. Rejects with the error of the system. */
  async bind(path: string): Promise<void> {
    if (this.#state.kind !== 'idle') throw new Error(`the socket is ${this.#state.kind} already`);
    const workerData: HeldSocketData = { path, cell: this.#cell };
    const worker = new Worker(new URL('./activation-worker.js', import.meta.url), { workerData });
    this.#state = { kind: 'binding', worker };
    this.#exited = new Promise((resolve) => worker.once('exit', () => resolve()));
    const [answer] = (await Promise.race([once(worker, 'message'), endOf(worker)])) as [HeldSocketAnswer];
    if ('failed' in answer) throw Object.assign(new Error(answer.failed.message), answer.failed);
    if (this.#state.kind !== 'binding') throw new Error('the socket was closed while it was bound');
    this.#state = { kind: 'held', worker, fd: answer.fd };
    worker.unref();
    worker.once('error', (error) => this.#lost(error));
    worker.once('exit', (code) => this.#lost(code));
  }

  /**
   * Resolves when a client waits in the queue, which nobody serves; never, once the wait was stopped or the socket is closed.
   * Undefined where that cannot be seen.
   */
  untilClient(): Promise<void> | undefined {
    this.#watch ??= ClientWatch.of(this.fd);
    this.stopWaiting();
    this.#stopWatching = new AbortController();
    return this.#watch?.untilClient(this.#stopWatching.signal);
  }

  /** Does not wait for a client any more. */
  stopWaiting(): void {
    this.#stopWatching?.abort();
  }

  /** Listens no more; who still queues is turned away. Resolves when it is done. Idempotent. */
  close(): Promise<void> {
    const state = this.#state;
    if (state.kind === 'closed') return state.done;
    this.stopWaiting();
    if (state.kind !== 'idle') state.worker.ref();
    this.#state = { kind: 'closed', done: this.#exited };
    Atomics.store(this.#cell, 0, 1);
    Atomics.notify(this.#cell, 0);
    return this.#exited;
  }

  #lost(cause: unknown): void {
    if (this.#state.kind !== 'held') return;
    this.#state = { kind: 'closed', done: this.#exited };
    throw new Error('the thread that holds the socket has ended by itself', { cause });
  }
}

async function endOf(worker: Worker): Promise<never> {
  const [code] = await once(worker, 'exit');
  throw new Error(`the thread that holds the socket ended with status ${code}`);
}
