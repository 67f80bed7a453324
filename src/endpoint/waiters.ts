import type { Clock } from '../clock.js';
import type { Context } from '../context.js';
import type { SocketReferenceError } from '../errors/error.js';
import type { Place } from '../files/place.js';
import type { Lease } from '../ownership/lease.js';
import type { WaitReason } from '../ownership/wait-reason.js';
import type { ReferenceState } from './reference-state.js';
import { Waiter, type WaiterHost, type WaiterOptions } from './waiter.js';

/** What waiters need from their endpoint. */
export interface WaitingEndpoint {
  readonly place: Place;
  readonly context: Context;
  /** What a reference waits for now. */
  readonly waitReason: WaitReason;
  /** Present while references can be given out. */
  readonly lease: Lease | undefined;
  /** The error if no further reference can be given out. */
  readonly full: SocketReferenceError | undefined;
  /** Creates a reference, which counts from now on. The endpoint tells the lease. */
  grant(trace: string | undefined): ReferenceState;
  /** A waiter has left without a reference. */
  gaveUp(): void;
}

/** The acquires that wait for one endpoint. Each leaves with one outcome: a reference, an error, or to start over. */
export class Waiters implements WaiterHost {
  readonly #endpoint: WaitingEndpoint;
  readonly #waiters = new Set<Waiter>();

  constructor(endpoint: WaitingEndpoint) {
    this.#endpoint = endpoint;
  }

  get count(): number {
    return this.#waiters.size;
  }

  get path(): string {
    return this.#endpoint.place.path;
  }

  get clock(): Clock {
    return this.#endpoint.context.clock;
  }

  get waitReason(): WaitReason {
    return this.#endpoint.waitReason;
  }

  add(options: WaiterOptions): Promise<ReferenceState | 'start-over'> {
    const waiter = new Waiter(this, options);
    this.#waiters.add(waiter);
    return waiter.outcome;
  }

  gaveUp(waiter: Waiter): void {
    this.#waiters.delete(waiter);
    this.#endpoint.gaveUp();
  }

  /**
   * Gives each waiter its reference, in the order of arrival. Listeners are called in between, and may release or clean
   * up. A waiter counts until its turn, so that the socket does not end before. If the socket was ended in any case,
   * the waiter stays for its next life (I3).
   */
  grant(): void {
    for (const waiter of this.#waiters) {
      if (!this.#endpoint.lease) break;
      this.#waiters.delete(waiter);
      const { full } = this.#endpoint;
      if (full) waiter.reject(full);
      else waiter.resolve(this.#endpoint.grant(waiter.options.trace));
    }
  }

  /**
   * Ends all waiters because the claim failed. One that can serve starts over if the claim failed because none could
   * serve.
   */
  claimFailed(error: SocketReferenceError): void {
    const notServed = error.code === 'ERR_SOCKREF_NOT_SERVED';
    for (const waiter of this.#takeAll()) {
      if (notServed && waiter.options.canServe) waiter.resolve('start-over');
      else waiter.reject(error);
    }
  }

  rejectAll(error: SocketReferenceError): void {
    for (const waiter of this.#takeAll()) waiter.reject(error);
  }

  /** Makes all waiters start over with the next life of the socket. */
  startOver(): void {
    for (const waiter of this.#takeAll()) waiter.resolve('start-over');
  }

  #takeAll(): Waiter[] {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    return waiters;
  }
}
