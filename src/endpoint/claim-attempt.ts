import type { Context } from '../context.js';
import type { Identity } from '../files/identity.js';
import type { Place } from '../files/place.js';
import { claim } from '../ownership/claim.js';
import type { Claim } from '../ownership/claim-request.js';
import type { KeeperDeaths } from '../ownership/keeper-deaths.js';
import type { Lease, LeaseEvents, Peers } from '../ownership/lease.js';
import { removeLeftovers } from '../ownership/remove-leftovers.js';
import type { OwnerSettings } from '../ownership/settings.js';
import type { WaitReason } from '../ownership/wait-reason.js';
import type { ServerSpec } from '../serving/server-spec.js';

/**
 * What a claim attempt needs from its endpoint, and reports to it. The lease that it obtains reports its own end to the
 * endpoint.
 */
export interface ClaimingEndpoint extends LeaseEvents {
  readonly place: Place;
  readonly settings: OwnerSettings;
  readonly context: Context;
  /** What the endpoint can serve with at this moment. */
  readonly serverSpec: ServerSpec | undefined;
  readonly ownReferences: number;
  readonly keeperDeaths: KeeperDeaths;
  /** What the attempt waits for now. */
  waitsFor(reason: WaitReason): void;
  /** The lease was obtained, in this tick. */
  claimed(lease: Lease, attempt: ClaimAttempt): void;
  claimFailed(error: unknown): void;
  /** No new owner was found in the allowed time. */
  claimTimedOut(attempt: ClaimAttempt): void;
}

/**
 * One attempt of an endpoint to obtain a lease: it succeeds, fails or is abandoned, and reports only that. If an
 * abandoned attempt still obtains a lease, it gives the lease up.
 */
export class ClaimAttempt implements Claim {
  readonly place: Place;
  readonly settings: OwnerSettings;
  readonly context: Context;
  readonly events: LeaseEvents;
  readonly own: readonly Identity[];
  readonly failover: Peers | undefined;
  readonly keeperDeaths: KeeperDeaths;
  readonly #endpoint: ClaimingEndpoint;
  readonly #lostOwnerPid: number | undefined;
  readonly #abort = new AbortController();
  #settled: Promise<void> = Promise.resolve();
  /** The end of a lease that was obtained too late. */
  #lateLease: Promise<void> | undefined;

  /**
   * @param own - files that this process published in earlier lives of the endpoint
   * @param lost - the lease that was lost, if a new owner is sought
   */
  constructor(endpoint: ClaimingEndpoint, own: readonly Identity[], lost?: Lease) {
    this.#endpoint = endpoint;
    this.place = endpoint.place;
    this.settings = endpoint.settings;
    this.context = endpoint.context;
    this.events = endpoint;
    this.own = own;
    this.keeperDeaths = endpoint.keeperDeaths;
    this.failover = lost?.peers;
    this.#lostOwnerPid = lost?.ownerPid;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Begins to claim. Callable once. */
  begin(): void {
    this.#settled = claim(this).then(
      () => this.#lateLease,
      (error: unknown) => {
        if (!this.signal.aborted) this.#endpoint.claimFailed(error);
      },
    );
    if (this.failover) this.#limitTime();
  }

  /**
   * Abandons the attempt. Resolves when nothing of it is left, and nothing of the lost owner, unless another process
   * serves in its place.
   */
  async abandon(): Promise<void> {
    this.#abort.abort();
    await this.#settled;
    // The last of the references that outlived the owner removes what it left.
    if (this.#lostOwnerPid !== undefined) await removeLeftovers(this.place, this.#lostOwnerPid);
  }

  serverSpec(): ServerSpec | undefined {
    return this.#endpoint.serverSpec;
  }

  /** All waiters count as one reference here; the limit applies when each gets its own. */
  references(): number {
    return Math.max(1, this.#endpoint.ownReferences);
  }

  waitsFor(reason: WaitReason): void {
    this.#endpoint.waitsFor(reason);
  }

  /** An arrow function, because it is passed on without its object. */
  readonly accept = (lease: Lease): void => {
    if (this.signal.aborted) this.#lateLease = lease.abandon();
    else this.#endpoint.claimed(lease, this);
  };

  #limitTime(): void {
    const { failoverTimeoutMs } = this.settings;
    const timer = this.context.clock.after(failoverTimeoutMs, () => this.#endpoint.claimTimedOut(this), true);
    const cancel = (): void => timer.cancel();
    this.#settled.then(cancel, cancel);
  }
}
