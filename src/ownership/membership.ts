import type { Socket } from 'node:net';
import { type Anchor, MemberAnchor } from '../control/anchor.js';
import { Channel } from '../control/channel.js';
import { failureFrom } from '../control/failure.js';
import { type MalformedMessage, parseToMember, type ToMember, type ToOwner } from '../control/messages.js';
import { unresponsive } from '../control/unresponsive.js';
import { type Deferred, deferred } from '../deferred.js';
import type { Place } from '../files/place.js';
import { onAbort } from '../on-abort.js';
import { CountSender } from './count-sender.js';
import type { Lease, Peers } from './lease.js';
import { helloOf, type MembershipStart, type NotAttached } from './membership-start.js';
import { isWithoutDirectory, notUnderstood, stoppedByForce } from './reasons.js';
import { removeLeftovers } from './remove-leftovers.js';
import { RepairRequests } from './repair-requests.js';

type Welcome = Extract<ToMember, { type: 'welcome' }>;

type Phase =
  | { readonly kind: 'greeting' }
  /** Welcomed by an owner whose server is not up yet. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'attached' }
  | { readonly kind: 'leaving'; readonly left: Deferred<void> }
  | { readonly kind: 'gone' };

/** The membership at an endpoint whose owner is another process or thread: one control connection. */
export class Membership implements Lease {
  readonly role = 'member';
  readonly published = [];
  readonly settling = undefined;
  readonly #start: MembershipStart;
  readonly #place: Place;
  readonly #channel: Channel<ToMember>;
  readonly #outcome = deferred<NotAttached | undefined>();
  #phase: Phase = { kind: 'greeting' };
  #welcome: Welcome | undefined;
  #others = 0;
  #peers: Peers = { members: 0, dependents: 0 };
  readonly #counts: CountSender;
  #repairs: RepairRequests | undefined;
  #anchor: MemberAnchor | undefined;

  private constructor(socket: Socket, start: MembershipStart) {
    this.#start = start;
    this.#place = start.place;
    this.#channel = new Channel<ToMember>(socket, parseToMember, {
      message: (message) => this.#message(message),
      refuse: () => undefined,
      closed: (malformed) => this.#closed(malformed),
    });
    this.#counts = new CountSender(this.#channel, start.references);
    this.#channel.send(helloOf(start));
  }

  /**
   * Attaches over a connected control socket.
   *
   * @returns why not, or undefined once `accept` was called
   * @throws SocketReferenceError if the owner refuses, or cannot be understood
   */
  static attach(socket: Socket, start: MembershipStart, signal: AbortSignal): Promise<NotAttached | undefined> {
    const member = new Membership(socket, start);
    const abort = (): void => member.#giveUp(signal.reason);
    return member.#outcome.promise.finally(onAbort(signal, abort));
  }

  /**
   * Attaches and leaves at once, so that an owner that waits for a first member need not wait longer. Resolves when the
   * owner has released us; if we were the only member, when everything has ended.
   */
  static visit(socket: Socket, start: MembershipStart): Promise<void> {
    return new Membership(socket, start).#sayBye();
  }

  get ownerPid(): number {
    return this.#welcome?.pid ?? 0;
  }

  /**
   * Opens the anchor of this membership: a second connection to the owner, which does nothing but stay open. If this
   * process dies without a `bye`, a child that inherited the descriptor keeps the references.
   *
   * @returns undefined if there is none: an older owner does not know anchors, or this owner is gone
   */
  async anchor(): Promise<Anchor | undefined> {
    const key = this.#welcome?.anchor;
    if (key === undefined || this.#phase.kind !== 'attached') return undefined;
    this.#anchor ??= new MemberAnchor(this.#place, this.#start.settings.failoverTimeoutMs);
    return this.#anchor.open(key);
  }

  /** Whether the owner knows anchors. */
  get knowsAnchors(): boolean {
    return this.#welcome?.anchor !== undefined;
  }

  get others(): number {
    return this.#others;
  }

  get peers(): Peers {
    return this.#peers;
  }

  get maxReferences(): number {
    return this.#welcome?.maxReferences ?? Number.MAX_SAFE_INTEGER;
  }

  update(references: number): void {
    if (this.#phase.kind !== 'attached') return;
    if (references > 0) this.#counts.update(references);
    else void this.#leave();
  }

  keepAlive(alive: boolean): void {
    this.#channel.keepAlive(alive);
  }

  /** Returns the promise of the end itself: its failure counts as handled, whether or not the caller waits. */
  abandon(): Promise<void> {
    return this.#phase.kind === 'attached' ? this.#leave() : Promise.resolve();
  }

  /** Only the owner repairs the files. */
  async repair(): Promise<void> {
    if (this.#phase.kind !== 'attached') return;
    this.#repairs ??= new RepairRequests(this.#place, this.#start.context);
    this.#repairs.send();
  }

  /** No acquire here waits for the server any more. */
  #giveUp(reason: unknown): void {
    const { kind } = this.#phase;
    if (kind === 'waiting' || (kind === 'greeting' && this.#start.startedByUs)) {
      // If no other member waits, the owner ends: wait for that.
      this.#sayBye().then(
        () => this.#outcome.reject(reason),
        (error: unknown) => this.#outcome.reject(error),
      );
    } else if (kind === 'greeting') {
      // It may never answer.
      this.#finish(() => this.#outcome.reject(reason));
    }
  }

  #leave(): Promise<void> {
    const left = this.#sayBye();
    this.#start.events.stopping(left);
    return left;
  }

  #sayBye(): Promise<void> {
    const left = deferred<void>();
    this.#enter({ kind: 'leaving', left });
    this.#channel.send({ type: 'bye' } satisfies ToOwner);
    // Wait for the answer: it says that the files are removed.
    this.#channel.keepAlive(true);
    const { clock } = this.#start.context;
    const { failoverTimeoutMs, drainTimeoutMs } = this.#start.settings;
    const timeoutMs = failoverTimeoutMs + Math.max(drainTimeoutMs, this.#welcome?.stopTimeoutMs ?? 0);
    const timer = clock.after(timeoutMs, () => this.#leaveUnanswered(left, timeoutMs));
    const cancel = (): void => timer.cancel();
    left.promise.then(cancel, cancel);
    return left.promise;
  }

  /** The owner does not read. The kernel will tell it that we are gone; our process must not wait for it. */
  #leaveUnanswered(left: Deferred<void>, timeoutMs: number): void {
    const { path } = this.#place;
    const pid = this.ownerPid;
    const what = `did not answer a release within ${timeoutMs} ms`;
    this.#start.context.fault(path, unresponsive(path, what, timeoutMs, { pid }));
    this.#finish(() => left.resolve());
  }

  #message(message: ToMember): void {
    switch (message.type) {
      case 'welcome':
        if (this.#phase.kind === 'leaving' && !this.#welcome) {
          // The `bye` was sent together with the hello.
          this.#welcome = message;
          return;
        }
        if (this.#phase.kind !== 'greeting') break;
        this.#welcome = message;
        this.#counted(message);
        this.#enter({ kind: 'waiting' });
        if (message.state === 'ready') this.#attached();
        else this.#start.starting(message.output);
        return;
      case 'ready':
        if (this.#phase.kind === 'waiting') this.#attached();
        return;
      case 'count':
        this.#counted(message);
        return;
      case 'stopping':
        this.#stopping(message.force === true);
        return;
      case 'failed': {
        if (this.#phase.kind === 'leaving') break;
        const failure = failureFrom(message, this.#place.path);
        const attached = this.#phase.kind === 'attached';
        this.#finish(() => this.#outcome.reject(failure));
        if (!attached) return;
        // A server that failed for good ends all references; but a member with another working directory can serve.
        if (this.#start.canServe && isWithoutDirectory(failure)) this.#start.events.lost('owner-died');
        else this.#start.events.ended(failure);
        return;
      }
      case 'unanchored':
        if (!this.#anchor) break;
        this.#anchor.ended('closed');
        return;
      case 'bye': {
        if (this.#phase.kind !== 'leaving') break;
        // If we were among the last members, the owner has ended. Without `failed`, everything of it is gone.
        const [{ left }, { failed }] = [this.#phase, message];
        this.#finish(() => (failed ? left.reject(failureFrom(failed, this.#place.path)) : left.resolve()));
        return;
      }
      case 'anchored':
      case 'holders':
        break;
    }
    if (this.#phase.kind === 'attached' || this.#phase.kind === 'leaving') {
      // As if the owner had died: references must not wait for its answer, because none will come.
      this.#channel.destroy();
      return;
    }
    this.#finish(() => this.#outcome.reject(notUnderstood(this.#place.path, `it sent "${message.type}" out of turn`)));
  }

  #counted({ total, members, dependents, yours }: Peers & { total: number; yours: number }): void {
    // The owner's number for us may be older than ours: only the others' part counts.
    this.#others = total - yours;
    this.#peers = { members, dependents };
  }

  #attached(): void {
    this.#enter({ kind: 'attached' });
    this.#channel.keepAlive(false);
    this.#start.accept(this);
    this.#outcome.resolve(undefined);
  }

  #stopping(force: boolean): void {
    const { kind } = this.#phase;
    if (kind === 'leaving') return;
    const stopped = stoppedByForce(this.#place.path);
    this.#finish(() => {
      // When a server that does not become ready is stopped by force, its waiting members must not start another one.
      if (force && kind === 'waiting') this.#outcome.reject(stopped);
      else this.#outcome.resolve('stopping');
    });
    if (kind !== 'attached') return;
    if (force) this.#start.events.ended(stopped);
    else this.#start.events.lost('owner-died');
  }

  #closed(malformed: MalformedMessage | undefined): void {
    const phase = this.#phase;
    this.#enter({ kind: 'gone' });
    this.#anchor?.ended('owner-lost');
    switch (phase.kind) {
      case 'greeting':
      case 'waiting':
        if (malformed) this.#outcome.reject(notUnderstood(this.#place.path, malformed.message, malformed.theirs));
        else this.#outcome.resolve('closed');
        return;
      case 'attached':
        this.#start.events.lost('owner-died');
        return;
      case 'leaving':
        // The owner died before its answer. If we were the last, we must remove what it left.
        removeLeftovers(this.#place, this.ownerPid).then(phase.left.resolve, phase.left.reject);
        return;
      case 'gone':
        return;
    }
  }

  /** It reports its count only while it is attached. */
  #enter(next: Phase): void {
    if (this.#phase.kind === 'attached') this.#counts.stop();
    this.#phase = next;
  }

  #finish(then: () => void): void {
    this.#enter({ kind: 'gone' });
    this.#channel.destroy();
    then();
  }
}
