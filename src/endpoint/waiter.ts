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

/** An acquire that waits for its endpoint. It ends with a reference, an error, or the advice to start over. */
export class Waiter {
  readonly options: WaiterOptions;
  readonly #outcome = deferred<ReferenceState | 'start-over'>();
  readonly #stop: () => void;

  /** @param givenUp - called when the waiter gives up: its time is over, or its signal aborted */
  constructor(
    path: string,
    options: WaiterOptions,
    clock: Clock,
    waitReason: () => WaitReason,
    givenUp: (waiter: Waiter) => void,
  ) {
    this.options = options;
    const { signal, timeoutMs, total } = options;
    const fail = (error: Error): void => {
      this.reject(error);
      givenUp(this);
    };
    const abort = (): void => fail(abortError(signal as AbortSignal));
    const timer = clock.after(timeoutMs, () => fail(timeoutError(path, total, waitReason())));
    const ignore = signal && onAbort(signal, abort);
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
