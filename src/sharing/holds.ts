import type { Socket } from 'node:net';
import type { Clock } from '../clock.js';
import { SocketReferenceError } from '../errors.js';
import { randomName } from '../files/random.js';
import { maxListedMembers, maxMessageBytes, protocolVersion } from '../protocol/constants.js';
import { errorFields } from '../protocol/errors.js';
import { Channel } from './channel.js';
import type { Peers } from './lease.js';
import {
  type Failure,
  type Hello,
  type Holder,
  type MalformedMessage,
  parseToOwner,
  type ToOwner,
} from './messages.js';
import { Rounds } from './rounds.js';
import type { Service } from './service.js';
import type { OwnerSettings } from './settings.js';
import { Strangers } from './strangers.js';
import { Tally } from './tally.js';

/**
 * Bytes that these may have together: the owner and its server have to be named in the same message, with a label, a
 * command as text and as words, and a reason that are long and need several bytes for a letter.
 */
const maxListedBytes = maxMessageBytes - 12_288;

interface Hold {
  readonly channel: Channel<ToOwner>;
  readonly hello: Hello;
  readonly since: number;
  /** What its anchor names. */
  readonly key: string;
  /** A connection that somebody inherited from the member, by which its references count when the member itself has died. */
  anchor: Channel<ToOwner> | undefined;
  /** Its own connection is over, and only the anchor is left. */
  survived: boolean;
  /** It was welcomed while the server was not up, and is to be told when it is. */
  waits: boolean;
  /** The newest count waits until the peer has read the one before. */
  behind: boolean;
}

/** Answers a `bye`; with a failure, if the end that it waited for left something behind. */
export type Farewell = (last: boolean, failure?: SocketReferenceError) => void;

/** What the registry asks of its owner. */
export interface HoldsOwner {
  readonly surroundings: { readonly clock: Clock };
  readonly settings: Pick<OwnerSettings, 'maxMembers' | 'maxReferences'>;
  /** How long its end may take, and where its output is. */
  readonly service: Pick<Service, 'stopTimeoutMs' | 'output'>;
  /** Where the owner stands: who comes now is welcomed, or told to start over. */
  readonly phase: 'starting' | 'ready' | 'stopping';
  /** The total has changed. May switch to stopping, in this very tick. */
  changed(): void;
  /** A member's last reference is gone; answer now, or later, when every file is gone. */
  left(answer: Farewell): void;
  describe(members: readonly Holder[], more: number): object;
  stopRequested(force: boolean): void;
  fault(error: unknown): void;
}

/** The members of an endpoint, as its owner knows them: one control connection each. */
export class Holds {
  readonly tally = new Tally<object>();
  readonly #owner: HoldsOwner;
  readonly #holds = new Set<Hold>();
  /** Every connection. */
  readonly #open = new Set<Channel<ToOwner>>();
  readonly #strangers: Strangers<Channel<ToOwner>>;
  readonly #rounds: Rounds<Hold>;
  /** The members' anchors, which may be open when their members' own connections are not. */
  readonly #anchors = new WeakMap<Channel<ToOwner>, Hold>();
  /** Who wants to know when everything has ended. */
  readonly #stopAsked = new Set<Channel<ToOwner>>();
  /** Who is to be told the holders as soon as it has read what it was told before. */
  readonly #answersDue = new Set<Channel<ToOwner>>();
  #dependents = 0;
  #dependentsSeen = 0;
  #seen = 0;

  constructor(owner: HoldsOwner) {
    const { clock } = owner.surroundings;
    this.#owner = owner;
    this.#strangers = new Strangers(clock, owner.settings.maxMembers);
    this.#rounds = new Rounds({ clock, members: this.#holds, tell: (hold) => this.#tell(hold) });
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
    const listed: Holder[] = [];
    let bytes = 0;
    for (const hold of this.#holds) {
      const { pid, thread, label, canServe } = hold.hello;
      const holder = {
        pid,
        ...(thread !== undefined && { thread }),
        ...(label !== undefined && { label }),
        references: this.tally.of(hold),
        since: hold.since,
        canServe,
      };
      bytes += Buffer.byteLength(JSON.stringify(holder)) + 1;
      if (listed.length === maxListedMembers || bytes > maxListedBytes) break;
      listed.push(holder);
    }
    return listed;
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
        this.#stopAsked.delete(channel);
        this.#answersDue.delete(channel);
        const anchored = this.#anchors.get(channel);
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
    for (const channel of this.#stopAsked) this.#end(channel, farewell(failure === undefined, failure));
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
      const { total } = this.tally;
      hold.channel.send({ type: 'count', total, ...this.peers, yours: this.tally.of(hold) });
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
    const full = this.#limitMet(hello);
    if (full) {
      this.#end(channel, { type: 'failed', ...full });
      return undefined;
    }
    const hold: Hold = {
      channel,
      hello,
      since: Date.now(),
      key: randomName(),
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
    this.tally.set(hold, hello.references);
    const { total } = this.tally;
    channel.send({
      type: 'welcome',
      v: protocolVersion,
      pid: process.pid,
      state: phase,
      total,
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

  /**
   * A member's second connection, of which a child of it inherits the other end. What a program does with a descriptor that it does not
   * know must mean nothing: so it is not listened to, and only its end tells.
   */
  #anchor(channel: Channel<ToOwner>, key: string): void {
    const hold = [...this.#holds].find((each) => each.key === key);
    if (!hold || hold.anchor || hold.survived || this.#owner.phase === 'stopping') {
      channel.destroy();
      return;
    }
    hold.anchor = channel;
    this.#strangers.release(channel);
    this.#anchors.set(channel, hold);
    channel.deafen({ type: 'anchored' });
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
    hold.anchor = undefined;
    if (hold.survived) this.#remove(hold);
    else if (this.#holds.has(hold)) hold.channel.send({ type: 'unanchored' });
  }

  /** Handles what comes behind the `hello`; says whether the hold is over. */
  #message(channel: Channel<ToOwner>, hold: Hold | undefined, message: ToOwner): boolean {
    switch (message.type) {
      case 'who':
        this.#answer(channel);
        return false;
      case 'stop':
        // Its answer may take as long as the others keep their references.
        if (!hold && !this.#stopAsked.has(channel)) this.#strangers.admitToWait(channel);
        this.#stopAsked.add(channel);
        this.#owner.stopRequested(message.force);
        return false;
      case 'references':
        if (!hold || !this.#isPossible(hold, message.n)) break;
        this.tally.set(hold, message.n);
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
    this.tally.set(hold, 0);
    this.#owner.changed();
    if (answer) this.#owner.left(answer);
  }

  /** No member of good faith exceeds the limit by itself, and no total may exceed what a number holds exactly (I7). */
  #isPossible(hold: Hold, references: number): boolean {
    const total = this.tally.total - this.tally.of(hold) + references;
    return references <= this.#owner.settings.maxReferences && Number.isSafeInteger(total);
  }

  #limitMet(hello: Hello): { code: string; message: string; detail: Record<string, string | number> } | undefined {
    const { maxMembers, maxReferences } = this.#owner.settings;
    const full = (limit: string, max: number) => ({
      code: 'ERR_SOCKREF_LIMIT_EXCEEDED',
      message: `The owner (pid ${process.pid}) allows ${max} as ${limit}, and that is reached`,
      detail: { limit, max },
    });
    if (this.tally.members >= maxMembers) return full('maxMembersPerSocket', maxMembers);
    if (this.tally.total + hello.references > maxReferences) return full('maxReferencesPerSocket', maxReferences);
    return undefined;
  }

  /** Tells who holds what. Who asks faster than it reads gets fewer answers, and the newest (I7). */
  #answer(channel: Channel<ToOwner>): void {
    if (!channel.backedUp) {
      const members = this.list();
      channel.send(this.#owner.describe(members, this.#holds.size - members.length));
      return;
    }
    if (this.#answersDue.has(channel)) return;
    this.#answersDue.add(channel);
    channel.whenRead(() => {
      if (this.#answersDue.delete(channel)) this.#answer(channel);
    });
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

/** The answer to a `bye`, or to a `stop`. */
function farewell(last: boolean, failure: SocketReferenceError | undefined): object {
  return { type: 'bye', last, ...(failure && { failed: failureOf(failure) }) };
}

/** What a member is told of an error that ends its references. */
function failureMessage(error: SocketReferenceError): object {
  return { type: 'failed', ...failureOf(error) };
}

function failureOf(error: SocketReferenceError): Failure {
  const fields = errorFields[error.code] as readonly (keyof SocketReferenceError)[];
  const detail = Object.fromEntries(
    fields.map((name) => [name, error[name]]).filter(([name, value]) => name !== 'path' && value !== undefined),
  );
  return { code: error.code, message: error.message, detail };
}

/** A peer of another version is told so; to anything else there is nothing to say. */
function refusal({ theirs }: MalformedMessage): object | undefined {
  if (theirs === undefined) return undefined;
  const message = `The owner (pid ${process.pid}) speaks protocol version ${protocolVersion}, and the member ${theirs}`;
  // `ours` and `theirs` as the member sees them.
  const detail = { ours: theirs, theirs: protocolVersion };
  return { type: 'failed', code: 'ERR_SOCKREF_PROTOCOL', message, detail };
}
