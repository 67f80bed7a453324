import type { Socket } from 'node:net';
import { SocketReferenceError } from '../errors.js';
import { randomName } from '../files/random.js';
import { protocolVersion } from '../protocol/constants.js';
import { isPossible, limitMet } from './admission.js';
import { Anchors } from './anchors.js';
import { Answers, listed } from './answers.js';
import { Channel } from './channel.js';
import type { Hold } from './hold.js';
import type { Farewell, HoldsOwner } from './holds-owner.js';
import { failureMessage, farewell, refusal } from './last-words.js';
import type { Peers } from './lease.js';
import { type Hello, type Holder, type MalformedMessage, parseToOwner, type ToOwner } from './messages.js';
import { Rounds } from './rounds.js';
import { Strangers } from './strangers.js';

/** The members of an endpoint, as its owner knows them: one control connection each. */
export class Holds {
  /** References of the owner itself. */
  own = 0;
  readonly #owner: HoldsOwner;
  readonly #holds = new Set<Hold>();
  /** Every connection. */
  readonly #open = new Set<Channel<ToOwner>>();
  readonly #strangers: Strangers<Channel<ToOwner>>;
  readonly #rounds: Rounds<Hold>;
  readonly #anchors = new Anchors();
  readonly #answers: Answers;
  #others = 0;
  #dependents = 0;
  #dependentsSeen = 0;
  #seen = 0;

  constructor(owner: HoldsOwner) {
    const { clock } = owner.surroundings;
    this.#owner = owner;
    this.#strangers = new Strangers(clock, owner.settings.maxMembers);
    this.#answers = new Answers(owner, this.#holds);
    this.#rounds = new Rounds({ clock, members: this.#holds, tell: (hold) => this.#tell(hold) });
  }

  /** References of all members. */
  get others(): number {
    return this.#others;
  }

  /** All references (I5). */
  get total(): number {
    return this.own + this.#others;
  }

  /** The members in numbers. */
  get peers(): Peers {
    return { members: this.#holds.size, dependents: this.#dependents };
  }

  /** How many members that cannot serve have come so far. */
  get dependentsSeen(): number {
    return this.#dependentsSeen;
  }

  /** How many members have come so far. */
  get seen(): number {
    return this.#seen;
  }

  /** The members, oldest first. */
  list(): Holder[] {
    return listed(this.#holds);
  }

  /** A new control connection. */
  accept(socket: Socket): void {
    let hold: Hold | undefined;
    const channel = new Channel<ToOwner>(socket, parseToOwner, {
      message: (message) => {
        if (message.type === 'hello' && !hold) hold = this.#hello(channel, message);
        else if (message.type === 'anchor' && !hold) this.#anchor(channel, message.key);
        else if (this.#message(channel, hold, message)) hold = undefined;
      },
      refuse: (malformed) => refusal(malformed),
      closed: (malformed) => {
        this.#open.delete(channel);
        this.#strangers.release(channel);
        this.#answers.forget(channel);
        const anchored = this.#anchors.ended(channel);
        if (anchored) this.#anchorEnded(anchored);
        if (hold) this.#lost(hold);
        if (malformed) this.#malformed(malformed);
      },
    });
    this.#open.add(channel);
    this.#strangers.admit(channel);
  }

  /** Gives up connections that are no member's: there are no descriptors left to accept another one with. */
  makeRoom(): void {
    this.#strangers.makeRoom();
  }

  /** Tells the members that wait for it that the server is up. */
  ready(): void {
    for (const hold of this.#holds) {
      if (hold.waits) hold.channel.send({ type: 'ready' });
      hold.waits = false;
    }
  }

  /** Tells all members that the endpoint has ended for everybody. */
  endAll(): void {
    for (const { channel } of this.#holds) channel.send({ type: 'stopping', force: true });
  }

  /** Tells all members that the server has failed for good. */
  fail(error: SocketReferenceError): void {
    for (const { channel } of this.#holds) channel.send(failureMessage(error));
  }

  /** Answers those who asked for the end: everything has ended, but for what could not be removed. */
  ended(failure?: SocketReferenceError): void {
    this.#answers.ended(failure, (channel, message) => this.#end(channel, message));
  }

  /** Has the newest total told to all members, soon and together with what else changes until then. */
  announce(): void {
    this.#rounds.announce();
  }

  /** Ends all connections. Members that were not told to stop start over with another owner, knowing the last numbers. */
  close(): void {
    this.#rounds.finish();
    // Who has inherited the other end of an anchor does not close it.
    for (const { anchor } of this.#holds) anchor?.destroy();
    for (const channel of this.#open) channel.end();
  }

  /** Ends all connections without a further word or wait. */
  destroy(): void {
    this.#rounds.cancel();
    for (const channel of this.#open) channel.destroy();
  }

  #tell(hold: Hold): void {
    if (!hold.channel.backedUp) {
      hold.channel.send({ type: 'count', total: this.total, ...this.peers, yours: hold.references });
      return;
    }
    // I7: a member that does not read gets one message when it does, not all that it missed.
    if (hold.behind) return;
    hold.behind = true;
    hold.channel.whenRead(() => {
      hold.behind = false;
      if (this.#holds.has(hold)) this.#tell(hold);
    });
  }

  #hello(channel: Channel<ToOwner>, hello: Hello): Hold | undefined {
    const { phase, service, settings } = this.#owner;
    if (phase === 'stopping') {
      this.#end(channel, { type: 'stopping' });
      return undefined;
    }
    const full = limitMet(settings, { members: this.#holds.size, total: this.total + hello.references });
    if (full) {
      this.#end(channel, { type: 'failed', ...full });
      return undefined;
    }
    const hold: Hold = {
      channel,
      hello,
      since: Date.now(),
      key: randomName(),
      references: 0,
      anchor: undefined,
      survived: false,
      waits: phase === 'starting',
      behind: false,
    };
    this.#holds.add(hold);
    this.#seen++;
    this.#strangers.release(channel);
    if (!hello.canServe) {
      this.#dependents++;
      this.#dependentsSeen++;
    }
    this.#count(hold, hello.references);
    channel.send({
      type: 'welcome',
      v: protocolVersion,
      pid: process.pid,
      state: phase,
      total: this.total,
      ...this.peers,
      yours: hello.references,
      maxReferences: settings.maxReferences,
      stopTimeoutMs: Math.ceil(service.stopTimeoutMs),
      ...(hold.waits && service.output && { output: service.output }),
      anchor: hold.key,
    });
    this.#owner.changed();
    return hold;
  }

  /** A member's second connection. */
  #anchor(channel: Channel<ToOwner>, key: string): void {
    const hold = [...this.#holds].find((each) => each.key === key);
    if (!hold || hold.anchor || hold.survived || this.#owner.phase === 'stopping') {
      channel.destroy();
      return;
    }
    this.#strangers.release(channel);
    this.#anchors.take(channel, hold);
  }

  /** A member's own connection has ended without a `bye`. */
  #lost(hold: Hold): void {
    if (!hold.anchor || !this.#holds.has(hold)) {
      this.#remove(hold);
      return;
    }
    hold.survived = true;
    // It will not come back to a successor.
    if (!hold.hello.canServe) this.#dependents--;
  }

  /** Nobody has the member's end of its anchor open any more, or the hold is over. */
  #anchorEnded(hold: Hold): void {
    if (hold.survived) this.#remove(hold);
    else if (this.#holds.has(hold)) hold.channel.send({ type: 'unanchored' });
  }

  /** Handles what comes behind the `hello`; says whether the hold is over. */
  #message(channel: Channel<ToOwner>, hold: Hold | undefined, message: ToOwner): boolean {
    const { settings } = this.#owner;
    switch (message.type) {
      case 'who':
        this.#answers.who(channel);
        return false;
      case 'stop':
        // Its answer may take as long as the others keep their references.
        if (this.#answers.whenEnded(channel) && !hold) this.#strangers.admitToWait(channel);
        this.#owner.stopRequested(message.force);
        return false;
      case 'references':
        if (!hold || !isPossible(settings, message.n, this.total - hold.references + message.n)) break;
        this.#count(hold, message.n);
        this.#owner.changed();
        return false;
      case 'bye':
        if (!hold) break;
        this.#remove(hold, (last, failure) => this.#end(channel, farewell(last, failure)));
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

  #remove(hold: Hold, answer?: Farewell): void {
    if (!this.#holds.delete(hold)) return;
    if (!hold.hello.canServe && !hold.survived) this.#dependents--;
    hold.anchor?.destroy();
    this.#count(hold, 0);
    this.#owner.changed();
    if (answer) this.#owner.left(answer);
  }

  /** The one place where the sum changes with its parts. */
  #count(hold: Hold, references: number): void {
    this.#others += references - hold.references;
    hold.references = references;
  }

  /** Says the last word on a connection, which the peer then has to close. */
  #end(channel: Channel<ToOwner>, message: object): void {
    channel.end(message);
    if (this.#open.has(channel)) this.#strangers.admit(channel);
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
