import type { Clock } from '../clock.js';
import { unresponsive } from '../control/unresponsive.js';
import { deferred } from '../deferred.js';
import { abortError, SocketReferenceError } from '../errors/error.js';
import { endOf } from '../files/file-end.js';
import { onAbort } from '../on-abort.js';
import type { WaitReason } from '../ownership/wait-reason.js';
import type { ReferenceState } from './reference-state.js';

/** Settings of a waiting acquire. */
export interface WaiterOptions {
  /** Milliseconds that are left. */
  readonly timeoutMs: number;
  /** Milliseconds that the caller allowed, for the message. */
  readonly total: number;
  readonly signal: AbortSignal | undefined;
  readonly trace: string | undefined;
  readonly canServe: boolean;
}

/** What a waiter asks its endpoint, and reports to it when its time is over or its signal aborts. */
export interface WaiterHost {
  readonly path: string;
  readonly clock: Clock;
  /** What it waits for now. */
  readonly waitReason: WaitReason;
  /** Its time is over, or its signal aborted. */
  gaveUp(waiter: Waiter): void;
}

/** An acquire that waits for its endpoint. It has one outcome: a reference, an error, or the advice to start over. */
export class Waiter {
  readonly options: WaiterOptions;
  readonly #host: WaiterHost;
  readonly #outcome = deferred<ReferenceState | 'start-over'>();
  readonly #stop: () => void;

  constructor(host: WaiterHost, options: WaiterOptions) {
    this.#host = host;
    this.options = options;
    const { signal, timeoutMs, total } = options;
    const timer = host.clock.after(timeoutMs, () => this.#giveUp(timeoutError(host.path, total, host.waitReason)));
    const ignore = signal && onAbort(signal, () => this.#giveUp(abortError(signal)));
    this.#stop = () => {
      timer.cancel();
      ignore?.();
    };
  }

  get outcome(): Promise<ReferenceState | 'start-over'> {
    return this.#outcome.promise;
  }

  resolve(reference: ReferenceState | 'start-over'): void {
    this.#stop();
    this.#outcome.resolve(reference);
  }

  reject(error: unknown): void {
    this.#stop();
    this.#outcome.reject(error);
  }

  #giveUp(error: Error): void {
    this.reject(error);
    this.#host.gaveUp(this);
  }
}

/** The error of an acquire whose time is over. A living owner that does not answer has a code of its own. */
function timeoutError(
  path: string,
  timeoutMs: number,
  { waitingFor, pid, start, output }: WaitReason,
): SocketReferenceError {
  if (pid !== undefined) {
    const what = `holds its lock but did not answer within ${timeoutMs} ms (waiting for ${waitingFor})`;
    return unresponsive(path, what, timeoutMs, { pid, start });
  }
  const stderr = output === undefined ? '' : endOf(output);
  return new SocketReferenceError(
    'ERR_SOCKREF_TIMEOUT',
    `${path} was not acquired within ${timeoutMs} ms; it was waiting for ${waitingFor}; pass a longer timeoutMs if that is to be expected`,
    { path, timeoutMs, waitingFor, ...(stderr !== '' && { stderr }) },
  );
}
