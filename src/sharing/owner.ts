import type { Timer } from '../clock.js';
import type { SocketReferenceError } from '../errors.js';
import { takeEach } from '../files/each.js';
import type { Identity } from '../files/identity.js';
import type { LockFile } from '../files/lock-file.js';
import type { Place } from '../files/place.js';
import { systemError } from '../system-errors.js';
import type { ConnectionStats } from './data-listener.js';
import { type Deferred, deferred } from './deferred.js';
import { describeOwner } from './describe.js';
import { FirstHolder } from './first-holder.js';
import { Healer } from './heal.js';
import { type Farewell, Holds } from './holds.js';
import type { Lease, LeaseEvents, Peers } from './lease.js';
import type { Holder } from './messages.js';
import { OwnRecord } from './own-record.js';
import { directoryReplaced, stoppedByForce } from './reasons.js';
import type { Service, ServiceHost } from './service.js';
import type { OwnerSettings, Surroundings } from './settings.js';
import { Sockets } from './sockets.js';

/**
 * How long a successor waits for those who depended on its predecessor, in milliseconds: many times the longest pause
 * between two of their attempts.
 */
const graceMs = 1_000;

type Phase =
  | { readonly kind: 'starting' }
  | { readonly kind: 'serving' }
  | { readonly kind: 'lingering'; readonly timer: Timer; readonly settling: Deferred<void> | undefined }
  | { readonly kind: 'stopping'; readonly done: Promise<void> }
  | { readonly kind: 'deposed' };

/** What an owner starts from. */
export interface OwnerStart {
  /** Held, re-checked, its dead owner's files removed. The owner lets go of it at its end. */
  readonly lock: LockFile;
  readonly service: Service;
  readonly settings: OwnerSettings;
  readonly surroundings: Surroundings;
  readonly events: LeaseEvents;
  /** References here, the acquires under way included. */
  readonly references: number;
  /** Members that cannot serve and had references to the endpoint when its last owner was lost. */
  readonly expected: number;
  /** Called when members can attach and wait for a service that has to be started. */
  readonly opened?: ((owner: Owner) => void) | undefined;
}

/** The owner of an endpoint: holds the lock, listens, counts, and ends it with the last reference. */
export class Owner implements Lease {
  readonly role = 'owner';
  readonly ownerPid = process.pid;
  readonly #settings: OwnerSettings;
  readonly #surroundings: Surroundings;
  readonly #events: LeaseEvents;
  readonly #since = Date.now();
  readonly #service: Service;
  readonly #holds: Holds;
  readonly #healer: Healer;
  readonly #sockets: Sockets;
  readonly #record: OwnRecord;
  readonly #firstHolder = new FirstHolder();
  readonly #farewells: Farewell[] = [];
  readonly #expected: number;
  readonly #graceUntil: number;
  readonly #lock: LockFile;
  #phase: Phase = { kind: 'starting' };
  #lingerMs: number;
  /** A stop that was asked for before it was up. */
  #stopWhenUp: { readonly force: boolean } | undefined;
  /** Why the service has failed for good. */
  #failure: SocketReferenceError | undefined;

  private constructor(start: OwnerStart) {
    const { lock, service, settings, surroundings, events } = start;
    this.#lock = lock;
    this.#settings = settings;
    this.#surroundings = surroundings;
    this.#events = events;
    this.#lingerMs = settings.lingerMs;
    this.#expected = start.expected;
    this.#graceUntil = surroundings.clock.now() + graceMs;
    this.#service = service;
    const fault = (error: unknown) => this.#fault(error);
    this.#holds = this.#createHolds(fault);
    this.#holds.tally.own = start.references;
    const control = this.#holds.accept.bind(this.#holds);
    const makeRoom = this.#holds.makeRoom.bind(this.#holds);
    this.#sockets = new Sockets({ lock, settings, service, control, makeRoom, fault });
    this.#record = new OwnRecord({ lock, sockets: this.#sockets, service, since: this.#since, fault });
    this.#healer = new Healer(surroundings, settings.healIntervalMs, {
      lock,
      sockets: this.#sockets,
      recorded: () => this.#record.entries(),
      look: async () => (await this.#service.look?.(this.#sockets.file('data'))) ?? false,
      deposed: () => this.#depose(),
      displaced: () => this.#displaced(),
    });
  }

  /**
   * Publishes the sockets and begins to serve. On failure nothing remains but the lock, which stays the caller's, unless
   * members had been let in to wait for it: then the lock has gone, too, and they were told.
   *
   * @param accept - called in the tick in which it is up, before anything can happen to it; never, if it has ended before
   */
  static async start(start: OwnerStart, accept: (owner: Owner) => void): Promise<void> {
    const owner = new Owner(start);
    try {
      await owner.#sockets.publish(start.service.start ? ['control'] : ['control', 'data'], 'begin');
    } catch (error) {
      owner.#holds.destroy();
      // What has to be started was not, and ends with its process.
      if (!start.service.start) start.service.letGo();
      throw error;
    }
    owner.#healer.start();
    if (start.service.start && !(await owner.#startService(start.service.start, start.opened))) return;
    owner.#phase = { kind: 'serving' };
    owner.#holds.ready();
    accept(owner);
    owner.#recount();
    if (owner.#stopWhenUp) owner.#stopRequested(owner.#stopWhenUp.force);
  }

  /** False if it ended before it was up. */
  async #startService(begin: NonNullable<Service['start']>, opened: OwnerStart['opened']): Promise<boolean> {
    const host: ServiceHost = {
      lock: this.#lock,
      remains: this.#sockets.remains,
      shortenRecord: () => this.#record.shorten(),
      publish: () => this.#publishData(),
      look: () => void this.#healer.check(),
      ready: () => this.#holds.ready(),
      fault: (error) => this.#fault(error),
      failed: (error) => this.#failed(error),
    };
    try {
      opened?.(this);
      // Not for nobody: whoever had it started attaches at once, or has died; and it must be there to hear of a failure.
      const came = await this.#firstHolder.wait(this.#surroundings.clock);
      if (this.#phase.kind === 'starting') {
        if (came) await begin.call(this.#service, host);
        else void this.#stop();
      }
    } catch (error) {
      if (this.#phase.kind !== 'starting') return this.#ended();
      this.#failed(systemError(error, this.#place.path, `start the server of ${this.#place.path}`));
      await this.#ended();
      throw error;
    }
    return this.#phase.kind === 'starting' || this.#ended();
  }

  async #ended(): Promise<false> {
    if (this.#phase.kind === 'stopping') await this.#phase.done;
    return false;
  }

  /** Not while files are being repaired: both would publish. */
  async #publishData(): Promise<boolean> {
    // Again, since a repair may begin in the moment in which we are told.
    for (let under = this.#sockets.settled(); under !== undefined; under = this.#sockets.settled()) await under;
    if (this.#phase.kind === 'stopping' || this.#phase.kind === 'deposed') return false;
    this.#sockets.unlink(['data']);
    return (await this.#sockets.publish(['data'])).length > 0;
  }

  #failed(error: SocketReferenceError): void {
    if (this.#phase.kind === 'stopping' || this.#phase.kind === 'deposed') return;
    this.#failure = error;
    this.#events.ended(error);
    // Told once it is over, like any end.
    this.#stop().catch(() => {});
  }

  get #place(): Place {
    return this.#lock.place;
  }

  get others(): number {
    return this.#holds.tally.others;
  }

  get peers(): Peers {
    return this.#holds.peers;
  }

  get settling(): Promise<void> | undefined {
    return this.#phase.kind === 'lingering' ? this.#phase.settling?.promise : undefined;
  }

  get maxReferences(): number {
    return this.#settings.maxReferences;
  }

  get published(): readonly Identity[] {
    return this.#sockets.published;
  }

  get connections(): Readonly<ConnectionStats> {
    return this.#service.stats;
  }

  update(references: number): void {
    this.#holds.tally.own = references;
    this.#holds.announce();
    this.#recount();
  }

  keepAlive(alive: boolean): void {
    this.#sockets.keepAlive(alive);
  }

  heal(): Promise<void> {
    return this.#healer.check();
  }

  /** Ends it for everybody, as somebody asked for by a message. */
  end(): void {
    this.#stopRequested(true);
  }

  /** The very promise that the end is told by: a failure of it is heard, whether or not the caller waits. */
  abandon(): Promise<void> {
    return this.#phase.kind === 'deposed' ? Promise.resolve() : this.#stop(false);
  }

  /** Everything is decided here, in the tick in which the count changes: nobody can be welcomed in between (I3). */
  #recount(): void {
    const { total } = this.#holds.tally;
    const phase = this.#phase;
    if (total > 0) this.#firstHolder.come();
    if (total > 0 && phase.kind === 'lingering') {
      phase.timer.cancel();
      phase.settling?.resolve();
      this.#phase = { kind: 'serving' };
    }
    if (phase.kind === 'starting' && total === 0 && this.#holds.seen > 0) {
      // Nobody waits for it any more.
      void this.#stop();
      return;
    }
    if (total > 0 || phase.kind !== 'serving') return;
    const grace = this.#grace();
    const wait = Math.max(this.#lingerMs, grace);
    if (wait === 0) {
      void this.#stop();
      return;
    }
    const timer = this.#surroundings.clock.after(wait, () => void this.#stop());
    this.#phase = { kind: 'lingering', timer, settling: grace > this.#lingerMs ? deferred() : undefined };
  }

  /** How long those are waited for who cannot serve, held references when the last owner was lost, and are not back yet. */
  #grace(): number {
    if (this.#holds.dependentsSeen >= this.#expected) return 0;
    return Math.max(0, this.#graceUntil - this.#surroundings.clock.now());
  }

  #stop(keepMembers = true): Promise<void> {
    if (this.#phase.kind === 'stopping') return this.#phase.done;
    const phase = this.#phase;
    if (phase.kind === 'lingering') phase.timer.cancel();
    this.#healer.stop();
    const { promise: done, resolve, reject } = deferred<void>();
    // The phase first, the work after: no message that the work lets in may be welcomed.
    this.#phase = { kind: 'stopping', done };
    this.#firstHolder.come();
    this.#events.stopping(done);
    this.#end(keepMembers).then(resolve, (error: unknown) => {
      const { path } = this.#place;
      reject(systemError(error, path, `remove the files of ${path}`));
    });
    if (phase.kind === 'lingering') done.then(phase.settling?.resolve, phase.settling?.reject);
    return done;
  }

  async #end(keepMembers: boolean): Promise<void> {
    const { hooks } = this.#surroundings;
    let failure: SocketReferenceError | undefined;
    try {
      if (this.#service.busy) this.#record.say({ stopping: true });
      const unpublished = hooks.cleanUp(() => this.#unpublish());
      const [{ status }] = await Promise.allSettled([unpublished]);
      this.#sockets.close();
      let removed: Promise<void> | undefined;
      if (!keepMembers && status === 'fulfilled') {
        // Before the connections drain: members have only so long to find another owner, and a connection may stay long.
        removed = hooks.cleanUp(() => this.#removeLock());
        await Promise.allSettled([removed]);
        this.#carryThrough(
          () => this.#lock.release(),
          () => this.#holds.close(),
        );
      } else if (this.#service.busy) this.#record.say({ stopping: true });
      // Whatever else has failed: a server that is left running would be nobody's.
      await this.#service.stop();
      await unpublished;
      await (removed ?? hooks.cleanUp(() => this.#removeLock()));
    } catch (error) {
      failure = systemError(
        error,
        this.#place.path,
        `remove all that belongs to ${this.#place.path} (the next acquire will)`,
      );
      throw failure;
    } finally {
      this.#carryThrough(
        () => this.#sockets.close(),
        // After a failure the lock goes and its file stays: the next owner repairs the rest from the record.
        () => this.#lock.release(),
        ...this.#farewells.map((answer) => () => answer(failure === undefined, failure)),
        () => this.#holds.ended(failure),
        () => this.#failure && this.#holds.fail(this.#failure),
        () => this.#holds.close(),
      );
    }
  }

  /** Its record goes with it, and so must what the record names. */
  #removeLock(): void {
    this.#sockets.remains.remove(this.#place.directory);
    this.#lock.remove();
  }

  /** The state has changed, and nothing that fails may leave half of it undone: it is only told. */
  #carryThrough(...steps: (() => unknown)[]): void {
    const { path } = this.#place;
    for (const error of takeEach(steps)) this.#fault(systemError(error, path, `remove the files of ${path}`));
  }

  #fault(error: unknown): void {
    this.#surroundings.hooks.fault(this.#place.path, error);
  }

  #unpublish(): void | Promise<void> {
    const publishing = this.#sockets.settled();
    if (publishing !== undefined) return publishing.then(() => this.#unpublish());
    this.#sockets.unlink();
  }

  #depose(): void {
    if (this.#phase.kind === 'stopping' || this.#phase.kind === 'deposed') return;
    if (this.#phase.kind === 'lingering') {
      this.#phase.timer.cancel();
      this.#phase.settling?.resolve();
    }
    this.#phase = { kind: 'deposed' };
    this.#healer.stop();
    // The references go on elsewhere, whatever fails here.
    this.#carryThrough(
      () => this.#firstHolder.come(),
      () => this.#sockets.unlink(),
      () => this.#sockets.remains.remove(this.#place.directory),
      () => this.#sockets.close(),
      () => this.#service.letGo(),
      () => this.#lock.release(),
      () => this.#holds.close(),
    );
    this.#events.lost('deposed');
  }

  /** The path leads elsewhere now, and nobody finds us by it: what holds references here must not believe otherwise. */
  #displaced(): void {
    this.#events.ended(directoryReplaced(this.#place.path));
    // Whoever had the references is told by their end.
    this.abandon().catch(() => {});
  }

  #createHolds(fault: (error: unknown) => void): Holds {
    const owner = this;
    const { settings, clock } = { settings: this.#settings, clock: this.#surroundings.clock };
    return new Holds({
      clock,
      maxMembers: settings.maxMembers,
      maxReferences: settings.maxReferences,
      stopTimeoutMs: this.#service.stopTimeoutMs,
      get output() {
        return owner.#service.output;
      },
      get phase() {
        if (owner.#phase.kind === 'starting') return 'starting';
        if (owner.#phase.kind === 'stopping' || owner.#phase.kind === 'deposed') return 'stopping';
        // A reference to what refuses connections is none that works (I3).
        return owner.#service.reachable ? 'ready' : 'starting';
      },
      changed: () => {
        this.#holds.announce();
        this.#recount();
      },
      left: (answer) => {
        if (this.#phase.kind === 'stopping') this.#farewells.push(answer);
        else answer(false);
      },
      describe: (members, more) => this.#describe(members, more),
      stopRequested: (force) => this.#stopRequested(force),
      fault,
    });
  }

  #describe(members: readonly Holder[], more: number): object {
    const { kind } = this.#phase;
    // Whoever looks may as well have it looked after.
    if (kind === 'serving' || kind === 'lingering') void this.#healer.check();
    return describeOwner({
      state: kind === 'serving' ? 'active' : kind === 'deposed' ? 'stopping' : kind,
      server: this.#service.description,
      own: this.#holds.tally.own,
      total: this.#holds.tally.total,
      label: this.#settings.label,
      since: this.#since,
      members,
      more,
    });
  }

  #stopRequested(force: boolean): void {
    // A word that was under way when this owner was deposed or had begun to stop: nothing is left to ask of it.
    if (this.#phase.kind === 'deposed' || this.#phase.kind === 'stopping') return;
    if (this.#phase.kind === 'starting' && !this.#service.start) {
      // It takes a moment, and half of it cannot be ended.
      this.#stopWhenUp = { force: force || this.#stopWhenUp?.force === true };
      return;
    }
    // "When it is unused": without the wait that follows the last reference.
    this.#lingerMs = 0;
    if (!force) {
      if (this.#phase.kind === 'lingering') void this.#stop();
      return;
    }
    this.#holds.endAll();
    this.#events.ended(stoppedByForce(this.#place.path));
    void this.#stop();
  }
}
