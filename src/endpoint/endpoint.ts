import type { SocketReferenceError } from '../errors/error.js';
import { systemError } from '../errors/system.js';
import type { Identity } from '../files/identity.js';
import type { Place } from '../files/place.js';
import { KeeperDeaths } from '../ownership/keeper-deaths.js';
import type { Lease } from '../ownership/lease.js';
import type { OwnerSettings } from '../ownership/settings.js';
import type { WaitReason } from '../ownership/wait-reason.js';
import type { ServerSpec } from '../serving/server-spec.js';
import { ClaimAttempt, type ClaimingEndpoint } from './claim-attempt.js';
import { EndpointLife, type LossCause } from './endpoint-life.js';
import type { EndpointHost } from './host.js';
import { cleanedUpByForce, ownerLost, tooManyReferences } from './reasons.js';
import { type KeepAlive, ReferenceState } from './reference-state.js';
import { References } from './references.js';
import type { WaiterOptions } from './waiter.js';
import { Waiters, type WaitingEndpoint } from './waiters.js';

const resolved = Promise.resolve();

const previousToStop: WaitReason = { waitingFor: 'the previous server to stop', pid: undefined };

/**
 * One socket in this manager: its counted references, the acquires that wait for one, and the lease that they share.
 * Each change of the count is decided in the tick in which it happens, without a system call (I3, I5).
 */
export class Endpoint implements ClaimingEndpoint, WaitingEndpoint {
  readonly place: Place;
  readonly settings: OwnerSettings;
  readonly context: EndpointHost;
  readonly keeperDeaths = new KeeperDeaths();
  readonly #life: EndpointLife;
  readonly #waiters = new Waiters(this);
  readonly #references = new References();
  #serverSpec: ServerSpec | undefined;
  #waitReason: WaitReason = { waitingFor: 'the socket to start', pid: undefined };
  /** Files that this process published under owners that were lost. */
  #own: readonly Identity[] = [];

  constructor(place: Place, settings: OwnerSettings, serverSpec: ServerSpec | undefined, host: EndpointHost) {
    this.place = place;
    this.settings = settings;
    this.#serverSpec = serverSpec;
    this.context = host;
    const attempt = new ClaimAttempt(this, this.#own);
    this.#life = new EndpointLife(attempt);
    attempt.begin();
  }

  /** Whether references to it count: also while a new owner is sought. */
  get live(): boolean {
    return this.#life.live;
  }

  /** Whether this process could serve it. */
  get canServe(): boolean {
    return this.#serverSpec !== undefined;
  }

  get serverSpec(): ServerSpec | undefined {
    return this.#serverSpec;
  }

  get state(): EndpointLife['state']['kind'] {
    return this.#life.state.kind;
  }

  get role(): Lease['role'] {
    return this.#life.role;
  }

  get lease(): Lease | undefined {
    return this.#life.lease;
  }

  /** Resolves when it is over; undefined until it begins to end. */
  get ending(): Promise<void> | undefined {
    return this.#life.ending;
  }

  /** References of all processes, as far as this process knows. */
  get references(): number {
    const { state } = this.#life;
    if (state.kind === 'active') return this.#references.count + state.lease.others;
    return state.kind === 'recovering' ? this.#references.count : 0;
  }

  /** References of this manager. */
  get ownReferences(): number {
    return this.live ? this.#references.count : 0;
  }

  /** The error if no further reference can be given out. */
  get full(): SocketReferenceError | undefined {
    const max = Math.min(this.context.maxReferences, this.lease?.maxReferences ?? Number.MAX_SAFE_INTEGER);
    return this.references < max ? undefined : tooManyReferences(this.place.path, max);
  }

  get waitReason(): WaitReason {
    return this.state === 'stopping' ? previousToStop : this.#waitReason;
  }

  /** Waits for a reference. If the endpoint is ending, waits for its end. */
  wait(options: WaiterOptions, serverSpec: ServerSpec | undefined): Promise<ReferenceState | 'start-over'> {
    this.offer(serverSpec);
    return this.#waiters.add(options);
  }

  /** Gives it something to serve with, if it has nothing yet and must take over. */
  offer(serverSpec: ServerSpec | undefined): void {
    this.#serverSpec ??= serverSpec;
  }

  /** Gives out one more reference at once (I5). Only while {@link Endpoint.live}. */
  share(trace: string | undefined): ReferenceState {
    const { full } = this;
    if (full) throw full;
    const reference = this.grant(trace);
    this.#update();
    return reference;
  }

  grant(trace: string | undefined): ReferenceState {
    this.#references.add();
    const reference = new ReferenceState(this, trace);
    this.context.acquired(this);
    return reference;
  }

  /** Releases one reference. If it was the last one, the promise is that of the endpoint's end. */
  release(reference: ReferenceState): Promise<void> {
    if (!reference.open) return reference.closing ?? resolved;
    reference.open = false;
    if (!this.live) return this.ending ?? resolved;
    this.#references.remove(reference);
    this.#update();
    this.context.released(this);
    if (reference.watched) reference.abort(() => this.closedError(false));
    this.#endIfUnused();
    reference.closing = this.ending ?? this.lease?.settling ?? resolved;
    return reference.closing;
  }

  /** The handle of a reference was garbage-collected. */
  collected(reference: ReferenceState): void {
    if (!reference.active) return;
    this.context.leaked(this, reference);
    // No caller waits for the end, so its failure is reported as a fault.
    this.release(reference).catch(() => {});
  }

  /** Changes whether a reference keeps the process alive. */
  keepAlive(reference: ReferenceState, keep: KeepAlive): void {
    if (!reference.active || reference.keepAlive === keep) return;
    this.#references.keep(reference, keep);
    if (this.lease) this.#references.tellKeepAlive(this.lease);
  }

  /** Remembers to tell a reference when the references end. */
  watch(reference: ReferenceState): void {
    this.#references.watch(reference);
  }

  /**
   * Ends it at once, even if it has references here. Other processes that share the socket continue without this one.
   */
  force(): Promise<void> {
    const { attempt, lease } = this.#life;
    if (!attempt && !lease) return this.ending ?? resolved;
    const reason = cleanedUpByForce(this.place.path);
    this.#references.end(reason);
    if (attempt) {
      this.#waiters.rejectAll(reason);
      this.#stop(attempt.abandon(), false);
      return this.ending ?? resolved;
    }
    const done = lease?.abandon() ?? resolved;
    // The end of the endpoint is that of the lease, or fails with it.
    if (this.ending !== undefined) done.catch(() => {});
    return this.ending ?? done;
  }

  /** Resolves when clients can connect to the socket, or never can again. */
  whenChanged(): Promise<void> {
    return this.#life.whenChanged();
  }

  /** The error for using an ended reference. */
  closedError(open: boolean): SocketReferenceError {
    return this.#references.closedError(this.place.path, open);
  }

  waitsFor(reason: WaitReason): void {
    this.#waitReason = reason;
  }

  gaveUp(): void {
    this.#endIfUnused();
  }

  claimed(lease: Lease, { failover }: ClaimAttempt): void {
    this.#life.activate(lease);
    if (lease.role === 'owner') this.context.started(this);
    if (failover) this.context.failedOver(this);
    this.#waiters.grant();
    this.#update();
  }

  claimFailed(cause: unknown): void {
    const error = systemError(cause, this.place.path, `acquire ${this.place.path}`);
    this.#waiters.claimFailed(error);
    if (this.state !== 'recovering') {
      this.#end();
      return;
    }
    // The server could not be started again: the references have nothing to wait for.
    this.#references.end(error);
    this.#end();
    this.context.lost(this, error);
  }

  claimTimedOut(attempt: ClaimAttempt): void {
    const { state } = this.#life;
    if (state.kind !== 'recovering' || state.attempt !== attempt) return;
    const { failoverTimeoutMs } = this.settings;
    const reason = ownerLost(this.place.path, state.cause, failoverTimeoutMs, this.#waitReason.waitingFor);
    this.#references.end(reason);
    this.#stop(attempt.abandon(), false);
    this.context.lost(this, reason);
  }

  stopping(done: Promise<void>): void {
    this.#stop(done, this.lease?.role === 'owner');
  }

  lost(cause: LossCause): void {
    const { lease } = this;
    if (!lease) return;
    this.#own = [...this.#own, ...lease.published];
    this.keeperDeaths.ownerLost(this.context.clock.now());
    const attempt = new ClaimAttempt(this, this.#own, lease);
    if (lease.role === 'owner') this.context.stopped(this);
    this.#waitReason = { waitingFor: 'a new owner', pid: undefined };
    this.#life.recover(attempt, cause);
    attempt.begin();
    this.#endIfUnused();
  }

  ended(reason: SocketReferenceError): void {
    const { lease } = this;
    this.#references.end(reason);
    this.context.lost(this, reason);
    if (lease?.role === 'member') this.#end();
  }

  #update(): void {
    const { lease } = this;
    if (!lease) return;
    this.#references.tellKeepAlive(lease);
    lease.update(this.#references.count + this.#waiters.count);
  }

  /** While there is no lease that says when it ends, it ends when neither a reference nor a waiter is left. */
  #endIfUnused(): void {
    const { attempt } = this.#life;
    if (attempt && this.#references.count === 0 && this.#waiters.count === 0) this.#stop(attempt.abandon(), false);
  }

  #stop(done: Promise<void>, served: boolean): void {
    if (this.ending !== undefined) return;
    const ended = done
      .catch((error: unknown) => {
        throw systemError(error, this.place.path, `end the references to ${this.place.path}`);
      })
      .finally(() => {
        if (served) this.context.stopped(this);
        this.#end();
      });
    this.#life.stop(ended);
    // Callers that wait for it get the error too; without one it is reported here.
    ended.catch((error: unknown) => this.context.fault(this.place.path, error));
  }

  #end(): void {
    this.#life.end();
    try {
      this.context.gone(this);
    } finally {
      this.#waiters.startOver();
    }
  }
}
