import type { Socket } from 'node:net';
import { Channel } from '../control/channel.js';
import { byeAnswer, failureMessage, refusal } from '../control/last-words.js';
import { type Hello, type Holder, type MalformedMessage, parseToOwner, type ToOwner } from '../control/messages.js';
import { SocketReferenceError } from '../errors/error.js';
import { randomName } from '../files/random.js';
import { protocolVersion } from '../protocol/constants.js';
import { isPossible, limitMet } from './admission.js';
import { Anchors } from './anchors.js';
import { Answers, listed } from './answers.js';
import type { AttachedMember } from './attached-member.js';
import type { Peers } from './lease.js';
import type { ByeAnswer, MembersOwner } from './members-owner.js';
import { Rounds } from './rounds.js';
import { Unidentified } from './unidentified.js';

/** The members of an endpoint, as its owner sees them: one control connection each. */
export class Members {
  /** The owner's own references. */
  own = 0;
  readonly #owner: MembersOwner;
  readonly #members = new Set<AttachedMember>();
  /** Every connection. */
  readonly #open = new Set<Channel<ToOwner>>();
  readonly #unidentified: Unidentified<Channel<ToOwner>>;
  readonly #rounds: Rounds<AttachedMember>;
  readonly #anchors = new Anchors();
  readonly #answers: Answers;
  #others = 0;
  #dependents = 0;
  #dependentsSeen = 0;
  #seen = 0;

  constructor(owner: MembersOwner) {
    const { clock } = owner.context;
    this.#owner = owner;
    this.#unidentified = new Unidentified(clock, owner.settings.maxMembers);
    this.#answers = new Answers(owner, this.#members);
    this.#rounds = new Rounds({ clock, members: this.#members, tell: (member) => this.#tell(member) });
  }

  /** References of all members. */
  get others(): number {
    return this.#others;
  }

  /** All references (I5). */
  get total(): number {
    return this.own + this.#others;
  }

  /** The numbers of members. */
  get peers(): Peers {
    return { members: this.#members.size, dependents: this.#dependents };
  }

  /** How many members that cannot serve have attached so far. */
  get dependentsSeen(): number {
    return this.#dependentsSeen;
  }

  /** How many members have attached so far. */
  get seen(): number {
    return this.#seen;
  }

  /** The members, oldest first. */
  list(): Holder[] {
    return listed(this.#members);
  }

  /** Takes a new control connection. */
  accept(socket: Socket): void {
    let member: AttachedMember | undefined;
    const channel = new Channel<ToOwner>(socket, parseToOwner, {
      message: (message) => {
        if (message.type === 'hello' && !member) member = this.#hello(channel, message);
        else if (message.type === 'anchor' && !member) this.#anchor(channel, message.key);
        else if (this.#message(channel, member, message)) member = undefined;
      },
      refuse: (malformed) => refusal(malformed),
      closed: (malformed) => {
        this.#open.delete(channel);
        this.#unidentified.release(channel);
        this.#answers.forget(channel);
        const anchored = this.#anchors.ended(channel);
        if (anchored) this.#anchorEnded(anchored);
        if (member) this.#lost(member);
        if (malformed) this.#malformed(malformed);
      },
    });
    this.#open.add(channel);
    this.#unidentified.admit(channel);
  }

  /** Closes connections of processes that are not members: there are no descriptors left to accept another one. */
  makeRoom(): void {
    this.#unidentified.makeRoom();
  }

  /** Tells the waiting members that the server is up. */
  ready(): void {
    for (const member of this.#members) {
      if (member.waits) member.channel.send({ type: 'ready' });
      member.waits = false;
    }
  }

  /** Tells all members that the endpoint was ended for all its holders. */
  endAll(): void {
    for (const { channel } of this.#members) channel.send({ type: 'stopping', force: true });
  }

  /** Tells all members that the server has failed for good. */
  fail(error: SocketReferenceError): void {
    for (const { channel } of this.#members) channel.send(failureMessage(error));
  }

  /** Answers the requests to stop: everything has ended, except what `failure` says could not be removed. */
  ended(failure?: SocketReferenceError): void {
    this.#answers.ended(failure, (channel, message) => this.#end(channel, message));
  }

  /** Tells all members the newest total, soon and together with other changes until then. */
  announce(): void {
    this.#rounds.announce();
  }

  /**
   * Closes all connections. Members that were not told to stop start over with another owner, and know the last
   * numbers.
   */
  close(): void {
    this.#rounds.finish();
    // A process that inherited the other end of an anchor does not close it.
    for (const { anchor } of this.#members) anchor?.destroy();
    for (const channel of this.#open) channel.end();
  }

  /** Closes all connections at once, without a message. */
  destroy(): void {
    this.#rounds.cancel();
    for (const channel of this.#open) channel.destroy();
  }

  #tell(member: AttachedMember): void {
    if (!member.channel.backedUp) {
      member.channel.send({ type: 'count', total: this.total, ...this.peers, yours: member.references });
      return;
    }
    // I7: a member that was slow to read gets one message when it reads, not all that it missed.
    if (member.updatePending) return;
    member.updatePending = true;
    member.channel.whenRead(() => {
      member.updatePending = false;
      if (this.#members.has(member)) this.#tell(member);
    });
  }

  #hello(channel: Channel<ToOwner>, hello: Hello): AttachedMember | undefined {
    const { phase, server, settings } = this.#owner;
    if (phase === 'stopping') {
      this.#end(channel, { type: 'stopping' });
      return undefined;
    }
    const full = limitMet(settings, { members: this.#members.size, total: this.total + hello.references });
    if (full) {
      this.#end(channel, { type: 'failed', ...full });
      return undefined;
    }
    const member: AttachedMember = {
      channel,
      hello,
      since: Date.now(),
      key: randomName(),
      references: 0,
      anchor: undefined,
      survived: false,
      waits: phase === 'starting',
      updatePending: false,
    };
    this.#members.add(member);
    this.#seen++;
    this.#unidentified.release(channel);
    if (!hello.canServe) {
      this.#dependents++;
      this.#dependentsSeen++;
    }
    this.#count(member, hello.references);
    channel.send({
      type: 'welcome',
      v: protocolVersion,
      pid: process.pid,
      state: phase,
      total: this.total,
      ...this.peers,
      yours: hello.references,
      maxReferences: settings.maxReferences,
      stopTimeoutMs: Math.ceil(server.stopTimeoutMs),
      ...(member.waits && server.output && { output: server.output }),
      anchor: member.key,
    });
    this.#owner.changed();
    return member;
  }

  /** A connection becomes a member's anchor. */
  #anchor(channel: Channel<ToOwner>, key: string): void {
    const member = [...this.#members].find((each) => each.key === key);
    if (!member || member.anchor || member.survived || this.#owner.phase === 'stopping') {
      channel.destroy();
      return;
    }
    this.#unidentified.release(channel);
    this.#anchors.take(channel, member);
  }

  /** A member's own connection has ended without a `bye`. */
  #lost(member: AttachedMember): void {
    if (!member.anchor || !this.#members.has(member)) {
      this.#remove(member);
      return;
    }
    member.survived = true;
    // It will not attach to a successor.
    if (!member.hello.canServe) this.#dependents--;
  }

  /** No process has the member's end of its anchor open any more, or the membership is over. */
  #anchorEnded(member: AttachedMember): void {
    if (member.survived) this.#remove(member);
    else if (this.#members.has(member)) member.channel.send({ type: 'unanchored' });
  }

  /** Handles a message after the `hello`. Returns whether the membership is over. */
  #message(channel: Channel<ToOwner>, member: AttachedMember | undefined, message: ToOwner): boolean {
    const { settings } = this.#owner;
    switch (message.type) {
      case 'who':
        this.#answers.who(channel);
        return false;
      case 'stop':
        // The answer may take as long as the others keep their references.
        if (this.#answers.whenEnded(channel) && !member) this.#unidentified.admitToWait(channel);
        this.#owner.stopRequested(message.force);
        return false;
      case 'references':
        if (!member || !isPossible(settings, message.n, this.total - member.references + message.n)) break;
        this.#count(member, message.n);
        this.#owner.changed();
        return false;
      case 'bye':
        if (!member) break;
        this.#remove(member, (last, failure) => this.#end(channel, byeAnswer(last, failure)));
        return true;
    }
    channel.destroy();
    this.#owner.fault(
      new SocketReferenceError(
        'ERR_SOCKREF_PROTOCOL',
        `A control connection was closed: it sent ${JSON.stringify(message)} out of turn, or out of range`,
      ),
    );
    return false;
  }

  #remove(member: AttachedMember, answer?: ByeAnswer): void {
    if (!this.#members.delete(member)) return;
    if (!member.hello.canServe && !member.survived) this.#dependents--;
    member.anchor?.destroy();
    this.#count(member, 0);
    this.#owner.changed();
    if (answer) this.#owner.left(answer);
  }

  /** The only place where a member's count and the sum change, together. */
  #count(member: AttachedMember, references: number): void {
    this.#others += references - member.references;
    member.references = references;
  }

  /** Sends the last message on a connection; the peer must close it then. */
  #end(channel: Channel<ToOwner>, message: object): void {
    channel.end(message);
    if (this.#open.has(channel)) this.#unidentified.admit(channel);
  }

  #malformed(malformed: MalformedMessage): void {
    this.#owner.fault(
      new SocketReferenceError('ERR_SOCKREF_PROTOCOL', `A control connection was closed: ${malformed.message}`, {
        ours: protocolVersion,
        ...(malformed.theirs !== undefined && { theirs: malformed.theirs }),
      }),
    );
  }
}
