import type { Context } from '../context.js';
import type { Holder } from '../control/messages.js';
import { deferred } from '../deferred.js';
import type { SocketReferenceError } from '../errors/error.js';
import { systemError } from '../errors/system.js';
import type { Identity } from '../files/identity.js';
import type { LockFile } from '../files/lock-file.js';
import type { Place } from '../files/place.js';
import type { ConnectionStats } from '../serving/connections.js';
import type { Server } from '../serving/server.js';
import { describeOwner } from './describe.js';
import { Grace } from './grace.js';
import type { Lease, LeaseEvents, Peers } from './lease.js';
import { Members } from './members.js';
import type { ByeAnswer, MembersOwner } from './members-owner.js';
import { OwnRecord } from './own-record.js';
import { carryThrough, type EndingOwner, endOwner } from './owner-end.js';
import { deposed, lingering, type Phase, serving, starting, stopping } from './owner-phase.js';
import type { OwnerStart } from './owner-start.js';
import { directoryReplaced, stoppedByForce } from './reasons.js';
import { type RepairedOwner, Repairer } from './repair.js';
import type { OwnerSettings } from './settings.js';
import { type SocketKind, Sockets, type SocketsOwner } from './sockets.js';

/** The owner of an endpoint. It holds the lock, listens, counts, and ends the endpoint with the last reference. */
export class Owner implements Lease, MembersOwner, RepairedOwner, SocketsOwner, EndingOwner {
  readonly role = 'owner';
  readonly ownerPid = process.pid;
  readonly lock: LockFile;
  readonly server: Server;
  readonly settings: OwnerSettings;
  readonly context: Context;
  readonly since = Date.now();
  readonly members: Members;
  readonly sockets: Sockets;
  readonly record: OwnRecord;
  protected readonly events: LeaseEvents;
  /** The sockets that are published before the owner is up. */
  protected readonly first: readonly SocketKind[] = ['control', 'data'];
  /** Whether it can be ended before it is up. A start that takes only a moment is completed first. */
  protected readonly endsWhileStarting: boolean = false;
  readonly #repairer: Repairer;
  readonly #pendingByes: ByeAnswer[] = [];
  readonly #grace: Grace;
  #phase: Phase = starting(() => this.leftStarting());
  #lingerMs: number;
  /** A stop that was requested before the owner was up. */
  #stopWhenUp: { readonly force: boolean } | undefined;

  protected constructor(start: OwnerStart) {
    const { lock, server, settings, context, events } = start;
    this.lock = lock;
    this.server = server;
    this.settings = settings;
    this.context = context;
    this.events = events;
    this.#lingerMs = settings.lingerMs;
    this.#grace = new Grace(context.clock, start.awaitedDependents);
    this.members = new Members(this);
    this.members.own = start.references;
    this.sockets = new Sockets(this);
    this.record = new OwnRecord(this);
    this.#repairer = new Repairer(this);
  }

  /**
   * Publishes the sockets and begins to serve. After a failure only the lock remains, which stays the caller's.
   *
   * @param accept - called in the tick in which the owner is up, before anything else can happen to it
   */
  static start(start: OwnerStart, accept: (owner: Owner) => void): Promise<void> {
    return new Owner(start).run(accept);
  }

  /** All steps until the owner is up; `accept` is never called if it ended before. */
  protected async run(accept: (owner: Owner) => void): Promise<void> {
    try {
      await this.sockets.publish(this.first, 'begin');
    } catch (error) {
      this.members.destroy();
      this.unpublished();
      throw error;
    }
    this.#repairer.start();
    const up = this.bringUp();
    if (up !== undefined && !(await up)) return;
    this.#enter(serving);
    this.members.ready();
    accept(this);
    this.recount();
    if (this.#stopWhenUp) this.stopRequested(this.#stopWhenUp.force);
  }

  /** Nothing was published, so the server is not needed. */
  protected unpublished(): void {
    this.server.detach();
  }

  /** Starts the server once members can attach. Resolves to false if the owner has ended meanwhile. */
  protected bringUp(): Promise<boolean> | undefined {
    return undefined;
  }

  /** The owner is up, or ends before. */
  protected leftStarting(): void {}

  get others(): number {
    return this.members.others;
  }

  get peers(): Peers {
    return this.members.peers;
  }

  get settling(): Promise<void> | undefined {
    return this.#phase.kind === 'lingering' ? this.#phase.settling : undefined;
  }

  get maxReferences(): number {
    return this.settings.maxReferences;
  }

  get published(): readonly Identity[] {
    return this.sockets.published;
  }

  get connections(): Readonly<ConnectionStats> {
    return this.server.stats;
  }

  get phase(): 'starting' | 'ready' | 'stopping' {
    if (this.#phase.kind === 'starting') return 'starting';
    if (this.over) return 'stopping';
    // A reference to a server that refuses connections would not work (I3).
    return this.server.reachable ? 'ready' : 'starting';
  }

  /** Whether it has begun to end, or was deposed. It answers no requests any more. */
  protected get over(): boolean {
    return this.#phase.kind === 'stopping' || this.#phase.kind === 'deposed';
  }

  protected get isStarting(): boolean {
    return this.#phase.kind === 'starting';
  }

  /** The promise of its end, once that has begun. */
  protected get ending(): Promise<void> | undefined {
    return this.#phase.kind === 'stopping' ? this.#phase.done : undefined;
  }

  protected get place(): Place {
    return this.lock.place;
  }

  update(references: number): void {
    this.members.own = references;
    this.changed();
  }

  keepAlive(alive: boolean): void {
    this.sockets.keepAlive(alive);
  }

  repair(): Promise<void> {
    return this.#repairer.check();
  }

  /** Ends the endpoint for all holders, at the request of another process. */
  end(): void {
    this.stopRequested(true);
  }

  /** Returns the promise of the end itself: its failure counts as handled, whether or not the caller waits. */
  abandon(): Promise<void> {
    return this.#phase.kind === 'deposed' ? Promise.resolve() : this.stop(false);
  }

  fault(error: unknown): void {
    this.context.fault(this.place.path, error);
  }

  changed(): void {
    this.members.announce();
    this.recount();
  }

  left(answer: ByeAnswer): void {
    if (this.#phase.kind === 'stopping') this.#pendingByes.push(answer);
    else answer(false);
  }

  lastWords(failure: SocketReferenceError | undefined): (() => unknown)[] {
    return [
      ...this.#pendingByes.map((answer) => () => answer(failure === undefined, failure)),
      () => this.members.ended(failure),
    ];
  }

  /** Every decision is made here, in the tick in which the count changes: no member can be welcomed in between (I3). */
  protected recount(): void {
    if (this.members.total > 0) {
      if (this.#phase.kind === 'lingering') this.#enter(serving);
      return;
    }
    if (this.#phase.kind !== 'serving') return;
    const grace = this.#grace.left(this.members.dependentsSeen);
    const wait = Math.max(this.#lingerMs, grace);
    if (wait === 0) {
      void this.stop();
      return;
    }
    const timer = this.context.clock.after(wait, () => void this.stop());
    this.#enter(lingering(timer, grace > this.#lingerMs));
  }

  #enter(next: Phase): void {
    const before = this.#phase;
    this.#phase = next;
    before.leave(next);
  }

  protected stop(keepMembers = true): Promise<void> {
    if (this.#phase.kind === 'stopping') return this.#phase.done;
    this.#repairer.stop();
    const { promise: done, resolve, reject } = deferred<void>();
    // Change the phase before the work: a message that arrives during the work must not be welcomed.
    this.#enter(stopping(done));
    this.events.stopping(done);
    endOwner(this, keepMembers).then(resolve, (error: unknown) => {
      const { path } = this.place;
      reject(systemError(error, path, `remove the files of ${path}`));
    });
    return done;
  }

  deposed(): void {
    if (this.over) return;
    this.#enter(deposed);
    this.#repairer.stop();
    // The references continue elsewhere, even if a step fails here.
    carryThrough(
      this,
      () => this.sockets.unlink(),
      () => this.sockets.remains.remove(this.place.directory),
      () => this.sockets.close(),
      () => this.server.detach(),
      () => this.lock.release(),
      () => this.members.close(),
    );
    this.events.lost('deposed');
  }

  /**
   * The path leads elsewhere now, so that other processes do not find this owner: its references must not appear to be
   * live.
   */
  displaced(): void {
    this.events.ended(directoryReplaced(this.place.path));
    // The references learn of it through their end.
    this.abandon().catch(() => {});
  }

  describe(members: readonly Holder[], more: number): object {
    const { kind } = this.#phase;
    // A request for the holders is a good moment to check the files.
    if (kind === 'serving' || kind === 'lingering') void this.repair();
    const state = kind === 'serving' ? 'active' : kind === 'deposed' ? 'stopping' : kind;
    return describeOwner(this, state, members, more);
  }

  stopRequested(force: boolean): void {
    // A message that arrived after this owner was deposed or began to stop is ignored.
    if (this.over) return;
    if (this.isStarting && !this.endsWhileStarting) {
      this.#stopWhenUp = { force: force || this.#stopWhenUp?.force === true };
      return;
    }
    // "When it is unused": without lingering after the last reference.
    this.#lingerMs = 0;
    if (!force) {
      if (this.#phase.kind === 'lingering') void this.stop();
      return;
    }
    this.members.endAll();
    this.events.ended(stoppedByForce(this.place.path));
    void this.stop();
  }
}
