import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** What the worker is given. */
export interface HeldSocketData {
  readonly path: string;
  /** One cell, at which the worker waits: 0 while the socket is to be held. */
  readonly cell: Int32Array;
}

/** What it says: the listening descriptor, or why there is none. */
export type HeldSocketAnswer = { readonly fd: number } | { readonly error: unknown };

/**
 * A listening socket that no event loop polls. Node's loop accepts on every listening handle that it knows, and a keeper
 * that did so would take connections from its server: so a worker thread holds it, which is blocked all the time.
 */
export class HeldSocket {
  readonly #cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #worker: Worker | undefined;
  #fd: number | undefined;

  /** The descriptor, to be inherited by a server. */
  get fd(): number {
    if (this.#fd === undefined) throw new Error('the socket is not bound');
    return this.#fd;
  }

  /** Binds to a path and listens; from then on clients queue. Rejects with the error of the system. */
  async bind(path: string): Promise<void> {
    const workerData: HeldSocketData = { path, cell: this.#cell };
    const worker = new Worker(new URL('./activation-worker.js', import.meta.url), { workerData });
    this.#worker = worker;
    const [answer] = (await Promise.race([
      once(worker, 'message'),
      once(worker, 'exit').then(([code]) => {
        throw new Error(`the thread that holds the socket ended with status ${code}`);
      }),
    ])) as [HeldSocketAnswer];
    if ('error' in answer) throw answer.error;
    this.#fd = answer.fd;
    // It is held as long as the server is, which keeps the process alive.
    worker.unref();
  }

  /** Listens no more; who still queues is turned away. Idempotent. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    if (!worker) return;
    const gone = once(worker, 'exit');
    Atomics.store(this.#cell, 0, 1);
    Atomics.notify(this.#cell, 0);
    worker.ref();
    await gone;
  }
}
