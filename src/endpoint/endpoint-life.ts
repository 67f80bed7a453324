import { deferred } from '../deferred.js';
import type { Lease } from '../ownership/lease.js';
import type { ClaimAttempt } from './claim-attempt.js';

/** Why an owner was lost. */
export type LossCause = 'owner-died' | 'deposed';

type State =
  /** No reference exists here yet; acquires wait. */
  | { readonly kind: 'claiming'; readonly attempt: ClaimAttempt }
  | { readonly kind: 'active'; readonly lease: Lease }
  /** The owner is gone, the references are kept, and a new owner is sought. */
  | { readonly kind: 'recovering'; readonly attempt: ClaimAttempt; readonly cause: LossCause }
  /** No reference can be given out any more; `done` resolves when everything is removed. */
  | { readonly kind: 'stopping'; readonly done: Promise<void> }
  | { readonly kind: 'ended' };

const resolved = Promise.resolve();

/**
 * The state of an endpoint: from claiming to active, then any number of times to recovering and back, at last to stopping
 * and ended. Once it is stopping no reference is given out again: the next acquire makes another endpoint (I3).
 */
export class EndpointLife {
  #state: State;
  #role: Lease['role'] = 'member';
  #changed = deferred<void>();

  constructor(attempt: ClaimAttempt) {
    this.#state = { kind: 'claiming', attempt };
  }

  get state(): State {
    return this.#state;
  }

  /** Its current or last role: the events of its end name it, too. */
  get role(): Lease['role'] {
    return this.#role;
  }

  get live(): boolean {
    return this.#state.kind === 'active' || this.#state.kind === 'recovering';
  }

  get lease(): Lease | undefined {
    return this.#state.kind === 'active' ? this.#state.lease : undefined;
  }

  /** The claim in progress. */
  get attempt(): ClaimAttempt | undefined {
    return this.#state.kind === 'claiming' || this.#state.kind === 'recovering' ? this.#state.attempt : undefined;
  }

  /** When it is over; undefined until it stops. */
  get ending(): Promise<void> | undefined {
    if (this.#state.kind === 'stopping') return this.#state.done;
    return this.#state.kind === 'ended' ? resolved : undefined;
  }

  /** Resolves when it becomes active, stops or ends. */
  whenChanged(): Promise<void> {
    return this.#changed.promise;
  }

  activate(lease: Lease): void {
    this.#role = lease.role;
    this.#enter({ kind: 'active', lease });
  }

  /** Callers that wait for a change keep waiting, because they cannot connect yet. */
  recover(attempt: ClaimAttempt, cause: LossCause): void {
    this.#role = 'member';
    this.#state = { kind: 'recovering', attempt, cause };
  }

  stop(done: Promise<void>): void {
    this.#enter({ kind: 'stopping', done });
  }

  end(): void {
    this.#enter({ kind: 'ended' });
  }

  #enter(next: State): void {
    this.#state = next;
    this.#changed.resolve();
    this.#changed = deferred<void>();
  }
}
