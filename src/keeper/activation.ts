import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ClientWatch } from './client-watch.js';

/** What the worker gets. */
export interface HeldSocketData {
  readonly path: string;
  /** One cell at which the worker waits: 0 while the socket must be held. */
  readonly cell: Int32Array;
}

/**
 * The worker's answer: the listening descriptor, or the message of the system's error. A message between threads keeps
 * only that text.
 */
export type HeldSocketAnswer = { readonly fd: number } | { readonly failed: { readonly message: string } };

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'binding'; readonly worker: Worker }
  | { readonly kind: 'held'; readonly worker: Worker; readonly fd: number }
  | { readonly kind: 'closed'; readonly done: Promise<void> };

/**
 * A listening socket that no event loop polls. Node's loop accepts on every listening handle that it knows, and a
 * keeper that did so would take connections from its server. So a blocked worker thread holds the socket. It does not
 * keep the process alive. The thread can end early only for want of memory; then the process gets an uncaught
 * exception, because no other descriptor could give the socket to the next server.
 */
export class HeldSocket {
  readonly #cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #state: State = { kind: 'idle' };
  #exited: Promise<void> = Promise.resolve();
  #watch: ClientWatch | undefined;
  #stopWatching: AbortController | undefined;

  /** The descriptor, for a server to inherit. */
  get fd(): number {
    if (this.#state.kind !== 'held') throw new Error(`the socket is ${this.#state.kind}, and has no descriptor`);
    return this.#state.fd;
  }

  /** Whether clients can queue at it. */
  get bound(): boolean {
    return this.#state.kind === 'held';
  }

  /** Binds to a path and listens; from then on clients queue. Callable once. Rejects with the error of the system. */
  async bind(path: string): Promise<void> {
    if (this.#state.kind !== 'idle') throw new Error(`the socket is ${this.#state.kind} already`);
    const workerData: HeldSocketData = { path, cell: this.#cell };
    // In the bundle of the keeper, that file and this one are CommonJS.
    const program = new URL(`./activation-worker${extname(import.meta.url)}`, import.meta.url);
    const worker = new Worker(program, { workerData });
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
   * Resolves when a client waits in the queue while no server runs; never, once the wait was stopped or the socket is
   * closed. Undefined where that cannot be seen.
   */
  untilClient(): Promise<void> | undefined {
    this.#watch ??= ClientWatch.of(this.fd);
    this.stopWaiting();
    this.#stopWatching = new AbortController();
    return this.#watch?.untilClient(this.#stopWatching.signal);
  }

  /** Stops waiting for a client. */
  stopWaiting(): void {
    this.#stopWatching?.abort();
  }

  /** Stops listening, and refuses the clients in the queue. Resolves when that is done. Idempotent. */
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
    throw new Error('the thread that holds the socket has ended early', { cause });
  }
}

async function endOf(worker: Worker): Promise<never> {
  const [code] = await once(worker, 'exit');
  throw new Error(`the thread that holds the socket ended with status ${code}`);
}
