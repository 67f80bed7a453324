import type { Socket } from 'node:net';
import { threadId } from 'node:worker_threads';
import { SocketReferenceError } from '../errors.js';
import type { OutputPlace } from '../files/file-end.js';
import type { Place } from '../files/place.js';
import { onAbort } from '../on-abort.js';
import { protocolVersion, repairAnswerMs, repairRequestPauseMs } from '../protocol/constants.js';
import { systemError } from '../system-errors.js';
import { type Anchor, type AnchorEnd, openAnchor } from './anchor.js';
import { Channel } from './channel.js';
import { type Deferred, deferred } from './deferred.js';
import { failureFrom } from './failure.js';
import type { Lease, LeaseEvents, Peers } from './lease.js';
import {
  type Failure,
  type MalformedMessage,
  parseToMember,
  type ServerState,
  type ToMember,
  type ToOwner,
} from './messages.js';
import { ask } from './query.js';
import { isWithoutDirectory, notListening, stoppedByForce } from './reasons.js';
import type { OwnerSettings, Surroundings } from './settings.js';
import { sweep } from './sweep.js';
import { unresponsive } from './unresponsive.js';

type Welcome = Extract<ToMember, { type: 'welcome' }>;

type Phase =
  | { readonly kind: 'greeting' }
  /** Welcomed by an owner whose server is not up yet. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'attached' }
  | { readonly kind: 'leaving'; readonly left: Deferred<void> }
  | { readonly kind: 'gone' };

/** What a member starts from. */
export interface MemberStart {
  readonly place: Place;
  readonly settings: OwnerSettings;
  readonly surroundings: Surroundings;
  readonly events: LeaseEvents;
  /** References here, the acquires under way included. */
  readonly references: number;
  readonly canServe: boolean;
  /** Called when there is an owner, whose server is not up yet. */
  starting(output: OutputPlace | undefined): void;
  /** Called in the tick in which the server is known to be up. */
  accept(member: Member): void;
}

/** How an attempt to attach ended without a lease: the owner is on its way out, or was no owner any more. */
export type NotAttached = 'stopping' | 'closed';

/** A hold on an endpoint whose owner is another process or thread: one control connection. */
export class Member implements Lease {
  readonly role = 'member';
  readonly published = [];
  readonly settling = undefined;
  readonly #start: MemberStart;
  readonly #place: Place;
  readonly #events: LeaseEvents;
  readonly #channel: Channel<ToMember>;
  readonly #outcome = deferred<NotAttached | undefined>();
  #phase: Phase = { kind: 'greeting' };
  #welcome: Welcome | undefined;
  #others = 0;
  #peers: Peers = { members: 0, dependents: 0 };
  #references: number;
  #told: number;
  #anchored: Deferred<AnchorEnd> | undefined;
  #healAgainAt = Number.NEGATIVE_INFINITY;
  /** Why nobody can connect to the server, as the owner said last. */
  #problem: string | undefined;
  #sending: 'nothing' | 'scheduled' | 'waiting' = 'nothing';

  private constructor(socket: Socket, start: MemberStart) {
    this.#start = start;
    this.#place = start.place;
    this.#events = start.events;
    this.#references = start.references;
    this.#told = start.references;
    this.#channel = new Channel<ToMember>(socket, parseToMember, {
      message: (message) => this.#message(message),
      refuse: () => undefined,
      closed: (malformed) => this.#closed(malformed),
    });
    const { references, canServe } = start;
    const { label } = start.settings;
    const thread = threadId === 0 ? {} : { thread: threadId };
    this.#channel.send({
      type: 'hello',
      v: protocolVersion,
      pid: process.pid,
      ...thread,
      ...(label !== undefined && { label }),
      references,
      canServe,
    } satisfies ToOwner);
  }

  /**
   * Attaches over a connected control socket.
   *
   * @returns why not, or undefined once `accept` was called
   * @throws SocketReferenceError if the owner refuses, or cannot be understood
   */
  static attach(socket: Socket, start: MemberStart, signal: AbortSignal): Promise<NotAttached | undefined> {
    const member = new Member(socket, start);
    const abort = (): void => member.#giveUp(signal.reason);
    return member.#outcome.promise.finally(onAbort(signal, abort));
  }

  /**
   * Comes and goes at once, so that an owner that waits for somebody knows that nobody comes. Resolves when it has let us go:
   * when everything has ended, if we were the only one.
   */
  static visit(socket: Socket, start: MemberStart): Promise<void> {
    return new Member(socket, start).#sayBye();
  }

  get ownerPid(): number {
    return this.#welcome?.pid ?? 0;
  }

  /**
   * Opens the anchor of this hold: a second connection to the owner, which does nothing but be open. A child that inherits its
   * descriptor holds the references on when this process dies without a word.
   *
   * @returns undefined if there is none: an older owner knows no anchors, or this owner is gone
   */
  async anchor(): Promise<Anchor | undefined> {
    const key = this.#welcome?.anchor;
    if (key === undefined || this.#phase.kind !== 'attached') return undefined;
    // Known before it is open: its end may be told while we still wait for the answer.
    this.#anchored ??= deferred();
    const { promise: ended } = this.#anchored;
    const socket = await openAnchor(this.#place, key, this.#start.settings.failoverTimeoutMs);
    return socket && { socket, ended };
  }

  /** Whether the owner can hold references on by an anchor. */
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
    this.#references = references;
    if (this.#phase.kind !== 'attached') return;
    if (references > 0) this.#schedule();
    else void this.#leave();
  }

  keepAlive(alive: boolean): void {
    this.#channel.keepAlive(alive);
  }

  /** The very promise that the end is told by: a failure of it is heard, whether or not the caller waits. */
  abandon(): Promise<void> {
    return this.#phase.kind === 'attached' ? this.#leave() : Promise.resolve();
  }

  /**
   * The files are the owner's business, and it looks after them when it is asked who holds the socket. Not awaited: a client
   * tries again all the same, and an owner may be slow to answer.
   */
  async heal(): Promise<void> {
    const { surroundings } = this.#start;
    if (this.#phase.kind !== 'attached' || surroundings.clock.now() < this.#healAgainAt) return;
    this.#healAgainAt = surroundings.clock.now() + repairRequestPauseMs;
    const asked = ask(this.#place, repairAnswerMs).then((asked) =>
      this.#serverIs(asked.kind === 'answered' ? asked.holders.server : undefined),
    );
    const { path } = this.#place;
    asked.catch((error: unknown) => surroundings.fault(path, systemError(error, path, `ask the owner of ${path}`)));
  }

  /** A server that runs in vain is told of, once. */
  #serverIs(server: ServerState | undefined): void {
    const problem = server?.problem;
    if (problem !== undefined && this.#problem === undefined) {
      const { path } = this.#place;
      this.#start.surroundings.fault(path, notListening(path, server?.pid, problem));
    }
    this.#problem = problem;
  }

  /** Nobody here waits for the server any more. */
  #giveUp(reason: unknown): void {
    switch (this.#phase.kind) {
      case 'greeting':
        this.#finish(() => this.#outcome.reject(reason));
        return;
      case 'waiting':
        // If nobody else waits, it ends: that is worth waiting for.
        this.#sayBye().then(
          () => this.#outcome.reject(reason),
          (error: unknown) => this.#outcome.reject(error),
        );
        return;
      default:
    }
  }

  #leave(): Promise<void> {
    const left = this.#sayBye();
    this.#events.stopping(left);
    return left;
  }

  #sayBye(): Promise<void> {
    const left = deferred<void>();
    this.#phase = { kind: 'leaving', left };
    this.#channel.send({ type: 'bye' } satisfies ToOwner);
    // The answer is worth waiting for: it says that the files are gone.
    this.#channel.keepAlive(true);
    const { clock } = this.#start.surroundings;
    const { failoverTimeoutMs, drainTimeoutMs } = this.#start.settings;
    const timeoutMs = failoverTimeoutMs + Math.max(drainTimeoutMs, this.#welcome?.stopTimeoutMs ?? 0);
    const timer = clock.after(timeoutMs, () => this.#leaveUnanswered(left, timeoutMs));
    const cancel = (): void => timer.cancel();
    left.promise.then(cancel, cancel);
    return left.promise;
  }

  /** The owner does not read. The kernel will tell it that we are gone; our process must not wait for that. */
  #leaveUnanswered(left: Deferred<void>, timeoutMs: number): void {
    const { path } = this.#place;
    const pid = this.ownerPid;
    const what = `did not answer a release within ${timeoutMs} ms`;
    this.#start.surroundings.fault(path, unresponsive(path, what, timeoutMs, { pid }));
    this.#finish(() => left.resolve());
  }

  /** Tells the owner the newest count, once a tick at most, and not while it is behind in reading. */
  #schedule(): void {
    if (this.#sending !== 'nothing') return;
    this.#sending = 'scheduled';
    setImmediate(() => this.#send());
  }

  #send(): void {
    this.#sending = 'nothing';
    if (this.#phase.kind !== 'attached' || this.#references === this.#told) return;
    if (this.#channel.backedUp) {
      this.#sending = 'waiting';
      this.#channel.whenRead(() => this.#send());
      return;
    }
    this.#told = this.#references;
    this.#channel.send({ type: 'references', n: this.#references } satisfies ToOwner);
  }

  #message(message: ToMember): void {
    switch (message.type) {
      case 'welcome':
        if (this.#phase.kind === 'leaving' && !this.#welcome) {
          // We said goodbye together with our hello.
          this.#welcome = message;
          return;
        }
        if (this.#phase.kind !== 'greeting') break;
        this.#welcome = message;
        this.#counted(message);
        this.#phase = { kind: 'waiting' };
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
        // A server that failed for good takes the references of everybody with it; but who has another directory can serve.
        if (this.#start.canServe && isWithoutDirectory(failure)) this.#events.lost('owner-died');
        else this.#events.ended(failure);
        return;
      }
      case 'unanchored':
        if (!this.#anchored) break;
        this.#anchored.resolve('closed');
        return;
      case 'bye':
        if (this.#phase.kind !== 'leaving') break;
        this.#bye(this.#phase.left, message.failed);
        return;
      case 'anchored':
      case 'holders':
        break;
    }
    if (this.#phase.kind === 'attached' || this.#phase.kind === 'leaving') {
      // As if it had died: references that count on it must not wait for what it will never say.
      this.#channel.destroy();
      return;
    }
    this.#finish(() => this.#outcome.reject(this.#protocolError(`it sent "${message.type}" out of turn`)));
  }

  #counted({ total, members, dependents, yours }: Peers & { total: number; yours: number }): void {
    // What the owner has for us may be behind what we have: only the others' part is its word.
    this.#others = total - yours;
    this.#peers = { members, dependents };
  }

  #attached(): void {
    this.#phase = { kind: 'attached' };
    this.#channel.keepAlive(false);
    this.#start.accept(this);
    this.#outcome.resolve(undefined);
  }

  #stopping(force: boolean): void {
    const { kind } = this.#phase;
    if (kind === 'leaving') return;
    const stopped = stoppedByForce(this.#place.path);
    this.#finish(() => {
      // Whoever ends a server that does not become ready must not see those who wait for it start another one.
      if (force && kind === 'waiting') this.#outcome.reject(stopped);
      else this.#outcome.resolve('stopping');
    });
    if (kind !== 'attached') return;
    if (force) this.#events.ended(stopped);
    else this.#events.lost('owner-died');
  }

  #closed(malformed: MalformedMessage | undefined): void {
    const phase = this.#phase;
    this.#phase = { kind: 'gone' };
    this.#anchored?.resolve('owner-lost');
    switch (phase.kind) {
      case 'greeting':
      case 'waiting':
        if (malformed) this.#outcome.reject(this.#protocolError(malformed.message, malformed.theirs));
        else this.#outcome.resolve('closed');
        return;
      case 'attached':
        this.#events.lost('owner-died');
        return;
      case 'leaving':
        // It died before it could answer. If we were the last, what it left is ours to remove.
        sweep(this.#place, this.ownerPid).then(phase.left.resolve, phase.left.reject);
        return;
      case 'gone':
        return;
    }
  }

  /** We were the last, or among them, and the owner has ended: with all that is its own, if nothing failed. */
  #bye(left: Deferred<void>, failed: Failure | undefined): void {
    this.#finish(() => {
      if (failed) left.reject(failureFrom(failed, this.#place.path));
      else left.resolve();
    });
  }

  #finish(then: () => void): void {
    this.#phase = { kind: 'gone' };
    this.#channel.destroy();
    then();
  }

  #protocolError(what: string, theirs?: number): SocketReferenceError {
    const { path } = this.#place;
    return new SocketReferenceError(
      'ERR_SOCKREF_PROTOCOL',
      `The owner of ${path} cannot be understood: ${what} (this is version ${protocolVersion}); ` +
        'use the same major version of sockref in every program that shares the socket',
      { path, ours: protocolVersion, ...(theirs !== undefined && { theirs }) },
    );
  }
}
