import { deferred } from '../deferred.js';
import type { SocketReferenceError } from '../errors/error.js';
import { systemError } from '../errors/system.js';
import type { Identity } from '../files/identity.js';
import type { Place } from '../files/place.js';
import { claim } from '../ownership/claim.js';
import type { Claim } from '../ownership/claim-request.js';
import type { Lease, LeaseEvents } from '../ownership/lease.js';
import { removeLeftovers } from '../ownership/remove-leftovers.js';
import type { OwnerSettings } from '../ownership/settings.js';
import type { WaitReason } from '../ownership/wait-reason.js';
import type { ServerSpec } from '../serving/server-spec.js';
import type { EndpointHost } from './host.js';
import { cleanedUpByForce, closedByUser, ownerLost, tooManyReferences } from './reasons.js';
import { ReferenceCounts } from './reference-counts.js';
import { type KeepAlive, ReferenceState } from './reference-state.js';
import { Waiter, type WaiterOptions } from './waiter.js';

/** The life of an endpoint in this manager. It goes from claiming to ended once; the next acquire makes another. */
type State =
  /** Nobody here holds it yet; acquires wait. */
  | { readonly kind: 'claiming'; readonly attempt: Attempt }
  | { readonly kind: 'active'; readonly lease: Lease }
  /** The owner is gone, the references are kept, and a new owner is sought. */
  | { readonly kind: 'recovering'; readonly attempt: Attempt }
  /** No reference can be given out any more; `done` when all of it is gone. */
  | { readonly kind: 'stopping'; readonly done: Promise<void> }
  | { readonly kind: 'ended' };

interface Attempt {
  readonly abort: AbortController;
  readonly settled: Promise<void>;
}

const resolved = Promise.resolve();

const previousToStop: WaitReason = { waitingFor: 'the previous server to stop', pid: undefined };

/** One socket in this manager: its counted references, those who wait for one, and the stake in it that they share. */
export class Endpoint {
  readonly place: Place;
  readonly #host: EndpointHost;
  readonly #settings: OwnerSettings;
  readonly #waiters = new Set<Waiter>();
  /** References whose signal someone has. */
  readonly #watched = new Set<ReferenceState>();
  readonly #counts = new ReferenceCounts();
  #serverSpec: ServerSpec | undefined;
  #state: State;
  /** The role that it has, or had last: what is told of its end names it too. */
  #role: Lease['role'] = 'member';
  #lostOwnerPid = 0;
  #reason: SocketReferenceError | undefined;
  #waitReason: WaitReason = { waitingFor: 'the socket to start', pid: undefined };
  #alive: boolean | undefined;
  #own: readonly Identity[] = [];
  /** Resolves those who wait for an active socket, when the state changes. */
  #changed = deferred<void>();

  constructor(place: Place, settings: OwnerSettings, serverSpec: ServerSpec | undefined, host: EndpointHost) {
    this.place = place;
    this.#settings = settings;
    this.#serverSpec = serverSpec;
    this.#host = host;
    this.#state = { kind: 'claiming', attempt: this.#claim(undefined) };
  }

  /** Whether references to it count: also while a new owner is sought. */
  get live(): boolean {
    return this.#state.kind === 'active' || this.#state.kind === 'recovering';
  }

  /** Whether it has something to serve with, should this process become responsible for that. */
  get canServe(): boolean {
    return this.#serverSpec !== undefined;
  }

  get state(): State['kind'] {
    return this.#state.kind;
  }

  get role(): Lease['role'] {
    return this.#role;
  }

  /** References everywhere, as far as it is known here. */
  get references(): number {
    const state = this.#state;
    if (state.kind === 'active') return this.#counts.references + state.lease.others;
    return state.kind === 'recovering' ? this.#counts.references : 0;
  }

  /** References of this manager. */
  get ownReferences(): number {
    return this.live ? this.#counts.references : 0;
  }

  get lease(): Lease | undefined {
    return this.#state.kind === 'active' ? this.#state.lease : undefined;
  }

  /** When it is over; undefined as long as it is not on its way out. */
  get ending(): Promise<void> | undefined {
    if (this.#state.kind === 'stopping') return this.#state.done;
    return this.#state.kind === 'ended' ? resolved : undefined;
  }

  /** Waits for a reference; with an endpoint that is on its way out, for its end. */
  wait(options: WaiterOptions, serverSpec: ServerSpec | undefined): Promise<ReferenceState | 'start-over'> {
    this.offer(serverSpec);
    const waiter = new Waiter(
      this.place.path,
      options,
      this.#host.clock,
      () => (this.#state.kind === 'stopping' ? previousToStop : this.#waitReason),
      (gone) => {
        this.#waiters.delete(gone);
        this.#endIfUnused();
      },
    );
    this.#waiters.add(waiter);
    return waiter.outcome;
  }

  /** Something to serve with, should this process have to take over and have nothing yet. */
  offer(serverSpec: ServerSpec | undefined): void {
    this.#serverSpec ??= serverSpec;
  }

  /** One reference more, at once (I5). Only while {@link Endpoint.live}. */
  share(trace: string | undefined): ReferenceState {
    const full = this.#limitMet();
    if (full) throw full;
    const reference = this.#grant(trace);
    this.#update();
    return reference;
  }

  /** One reference less. The promise is that of its end, if it was the last one. */
  release(reference: ReferenceState): Promise<void> {
    if (!reference.open) return reference.closing ?? resolved;
    reference.open = false;
    if (!this.live) return this.ending ?? resolved;
    // Most references end without being watched: a look into the set would be the dearest part of their end.
    const { watched } = reference;
    if (watched) this.#watched.delete(reference);
    this.#counts.remove(reference);
    this.#update();
    this.#host.released(this);
    if (watched) reference.abort(() => this.closedError(false));
    this.#endIfUnused();
    reference.closing = this.ending ?? this.lease?.settling ?? resolved;
    return reference.closing;
  }

  /** The handle of a reference was collected. */
  collected(reference: ReferenceState): void {
    if (!reference.active) return;
    this.#host.leaked(this, reference);
    // Its end is nobody's to wait for; a failure of it is told as a fault.
    this.release(reference).catch(() => {});
  }

  /** Changes whether a reference keeps the process alive. */
  keepAlive(reference: ReferenceState, keep: KeepAlive): void {
    if (!reference.active || reference.keepAlive === keep) return;
    this.#counts.keep(reference, keep);
    this.#keepAlive();
  }

  /** Has a reference told when the references end. */
  watch(reference: ReferenceState): void {
    this.#watched.add(reference);
  }

  /** Ends it at once, whoever holds references here; processes elsewhere go on among themselves. */
  force(): Promise<void> {
    const reason = cleanedUpByForce(this.place.path);
    const state = this.#state;
    switch (state.kind) {
      case 'active': {
        this.#inactivate(reason);
        const done = state.lease.abandon();
        // The end of the endpoint is that of the lease, or fails with it.
        if (this.ending !== undefined) done.catch(() => {});
        return this.ending ?? done;
      }
      case 'claiming':
      case 'recovering':
        this.#inactivate(reason);
        for (const waiter of this.#waiters) waiter.reject(reason);
        this.#waiters.clear();
        this.#abandonAttempt(state.attempt);
        return this.ending ?? resolved;
      case 'stopping':
        return state.done;
      case 'ended':
        return resolved;
    }
  }

  /** Resolves when the socket can be connected to, or cannot be any more. */
  whenChanged(): Promise<void> {
    return this.#changed.promise;
  }

  /** Why a reference to it is of no use. */
  closedError(open: boolean): SocketReferenceError {
    return open && this.#reason ? this.#reason : closedByUser(this.place.path);
  }

  #grant(trace: string | undefined): ReferenceState {
    this.#counts.add();
    const reference = new ReferenceState(this, trace);
    this.#host.acquired(this);
    return reference;
  }

  #limitMet(): SocketReferenceError | undefined {
    const max = Math.min(this.#host.maxReferences, this.lease?.maxReferences ?? Number.MAX_SAFE_INTEGER);
    return this.references < max ? undefined : tooManyReferences(this.place.path, max);
  }

  #update(): void {
    if (this.#state.kind !== 'active') return;
    this.#keepAlive();
    this.#state.lease.update(this.#counts.references + this.#waiters.size);
  }

  #keepAlive(): void {
    if (this.#state.kind !== 'active') return;
    const { lease } = this.#state;
    const alive = this.#counts.keepsAlive(lease.role);
    if (alive === this.#alive) return;
    this.#alive = alive;
    lease.keepAlive(alive);
  }

  #claim(failover: Claim['failover']): Attempt {
    const abort = new AbortController();
    const accepted: { abandoned?: Promise<void> } = {};
    const settled = claim({
      place: this.place,
      settings: this.#settings,
      context: this.#host,
      events: this.#events,
      serverSpec: () => this.#serverSpec,
      // Those who wait stand behind one: how many of them the limit allows is decided when they are granted theirs.
      references: () => Math.max(1, this.#counts.references),
      own: this.#own,
      failover,
      signal: abort.signal,
      waitsFor: (what) => {
        this.#waitReason = what;
      },
      accept: (lease) => {
        if (abort.signal.aborted) accepted.abandoned = lease.abandon();
        else this.#accept(lease, failover !== undefined);
      },
    }).then(
      () => accepted.abandoned,
      (error: unknown) => {
        if (!abort.signal.aborted) this.#claimFailed(error);
      },
    );
    return { abort, settled };
  }

  #accept(lease: Lease, failover: boolean): void {
    this.#state = { kind: 'active', lease };
    this.#role = lease.role;
    this.#alive = undefined;
    if (lease.role === 'owner') this.#host.started(this);
    if (failover) this.#host.failedOver(this);
    // Listeners are called in between, and may release or clean up: whoever still waits counts, so that the socket does
    // not end under them, and waits for the next life if it was ended all the same (I3).
    for (const waiter of this.#waiters) {
      if (this.state !== 'active') break;
      this.#waiters.delete(waiter);
      const full = this.#limitMet();
      if (full) waiter.reject(full);
      else waiter.resolve(this.#grant(waiter.options.trace));
    }
    this.#update();
    if (this.#state.kind === 'active') this.#tellChanged();
  }

  #claimFailed(cause: unknown): void {
    const error = systemError(cause, this.place.path, `acquire ${this.place.path}`);
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) {
      // One that can serve came while the claim failed for want of that.
      if (waiter.options.canServe && isNotServed(error)) waiter.resolve('start-over');
      else waiter.reject(error);
    }
    if (this.#state.kind === 'recovering') {
      // The server could not be started again: the references have nothing to wait for.
      this.#inactivate(error);
      this.#end();
      this.#host.lost(this, error);
      return;
    }
    this.#end();
  }

  readonly #events: LeaseEvents = {
    stopping: (done) => {
      const served = this.lease?.role === 'owner';
      this.#stopping(done, served);
    },
    lost: (cause) => this.#lost(cause),
    ended: (reason) => {
      const { lease } = this;
      this.#inactivate(reason);
      this.#host.lost(this, reason);
      if (lease?.role === 'member') this.#end();
    },
  };

  #lost(cause: 'owner-died' | 'deposed'): void {
    const state = this.#state;
    if (state.kind !== 'active') return;
    const { role, peers, published, ownerPid } = state.lease;
    this.#lostOwnerPid = ownerPid;
    this.#own = [...this.#own, ...published];
    if (role === 'owner') this.#host.stopped(this);
    this.#role = 'member';
    this.#waitReason = { waitingFor: 'a new owner', pid: undefined };
    const attempt = this.#claim(peers);
    this.#state = { kind: 'recovering', attempt };
    const { clock } = this.#host;
    const { failoverTimeoutMs } = this.#settings;
    const timer = clock.after(failoverTimeoutMs, () => this.#giveUp(attempt, cause), true);
    const cancel = (): void => timer.cancel();
    attempt.settled.then(cancel, cancel);
    this.#endIfUnused();
  }

  #giveUp(attempt: Attempt, cause: 'owner-died' | 'deposed'): void {
    if (this.#state.kind !== 'recovering' || this.#state.attempt !== attempt) return;
    const { failoverTimeoutMs } = this.#settings;
    const reason = ownerLost(this.place.path, cause, failoverTimeoutMs, this.#waitReason.waitingFor);
    this.#inactivate(reason);
    this.#abandonAttempt(attempt);
    this.#host.lost(this, reason);
  }

  /** Nobody here wants it any more, and no lease says when it ends. */
  #endIfUnused(): void {
    const state = this.#state;
    if (state.kind !== 'claiming' && state.kind !== 'recovering') return;
    if (this.#counts.references === 0 && this.#waiters.size === 0) this.#abandonAttempt(state.attempt);
  }

  #abandonAttempt({ abort, settled }: Attempt): void {
    const recovering = this.#state.kind === 'recovering';
    abort.abort();
    // The last one out of those who outlived the owner removes what it left.
    const done = settled.then(() => (recovering ? removeLeftovers(this.place, this.#lostOwnerPid) : undefined));
    this.#stopping(done, false);
  }

  #stopping(done: Promise<void>, served: boolean): void {
    if (this.#state.kind === 'stopping' || this.#state.kind === 'ended') return;
    const ended = done
      .catch((error: unknown) => {
        throw systemError(error, this.place.path, `end the references to ${this.place.path}`);
      })
      .finally(() => {
        if (served) this.#host.stopped(this);
        this.#end();
      });
    this.#state = { kind: 'stopping', done: ended };
    this.#tellChanged();
    // Those who wait for it get the error too; here it is told in case that nobody does.
    ended.catch((error: unknown) => this.#host.fault(this.place.path, error));
  }

  #end(): void {
    this.#state = { kind: 'ended' };
    this.#tellChanged();
    try {
      this.#host.gone(this);
    } finally {
      for (const waiter of this.#waiters) waiter.resolve('start-over');
      this.#waiters.clear();
    }
  }

  /** All references are of no use from now on. */
  #inactivate(reason: SocketReferenceError): void {
    this.#reason = reason;
    const watched = [...this.#watched];
    this.#watched.clear();
    // What listens to a signal may ask whether the reference is active, so that comes first.
    queueMicrotask(() => {
      for (const reference of watched) reference.abort(() => reason);
    });
  }

  #tellChanged(): void {
    this.#changed.resolve();
    this.#changed = deferred<void>();
  }
}

function isNotServed({ code }: SocketReferenceError): boolean {
  return code === 'ERR_SOCKREF_NOT_SERVED';
}
