import type { Channel } from '../control/channel.js';
import { byeAnswer } from '../control/last-words.js';
import type { Holder, ToOwner } from '../control/messages.js';
import type { SocketReferenceError } from '../errors/error.js';
import { maxListedMembers, maxMessageBytes } from '../protocol/constants.js';
import type { AttachedMember } from './attached-member.js';
import type { MembersOwner } from './members-owner.js';

/**
 * How many bytes the listed members may have together. The same message must have room for the owner and its server,
 * with a long label, the command as text and as words, and a reason, all in letters of several bytes.
 */
const maxListedBytes = maxMessageBytes - 12_288;

/**
 * Answers requests for the holders, and requests to stop. Each connection has at most one answer in progress (I7), and
 * is forgotten when it ends.
 */
export class Answers {
  readonly #owner: Pick<MembersOwner, 'describe'>;
  readonly #members: ReadonlySet<AttachedMember>;
  /** The connections to be told when everything has ended. */
  readonly #stopAsked = new Set<Channel<ToOwner>>();
  /** The connections to be told the holders as soon as they have read the answer before. */
  readonly #due = new Set<Channel<ToOwner>>();

  constructor(owner: Pick<MembersOwner, 'describe'>, members: ReadonlySet<AttachedMember>) {
    this.#owner = owner;
    this.#members = members;
  }

  /** Sends the holders. A connection that asks faster than it reads gets fewer answers, and the newest. */
  who(channel: Channel<ToOwner>): void {
    if (!channel.backedUp) {
      const shown = listed(this.#members);
      channel.send(this.#owner.describe(shown, this.#members.size - shown.length));
      return;
    }
    if (this.#due.has(channel)) return;
    this.#due.add(channel);
    channel.whenRead(() => {
      if (this.#due.delete(channel)) this.who(channel);
    });
  }

  /** Remembers to tell a connection when everything has ended. Returns whether it had not asked before. */
  whenEnded(channel: Channel<ToOwner>): boolean {
    if (this.#stopAsked.has(channel)) return false;
    this.#stopAsked.add(channel);
    return true;
  }

  /** A connection has ended. */
  forget(channel: Channel<ToOwner>): void {
    this.#stopAsked.delete(channel);
    this.#due.delete(channel);
  }

  /** Everything has ended, except what `failure` says could not be removed. */
  ended(failure: SocketReferenceError | undefined, end: (channel: Channel<ToOwner>, message: object) => void): void {
    for (const channel of this.#stopAsked) end(channel, byeAnswer(failure === undefined, failure));
  }
}

/** The members, oldest first, as many as fit into a message. */
export function listed(members: ReadonlySet<AttachedMember>): Holder[] {
  const listed: Holder[] = [];
  let bytes = 0;
  for (const member of members) {
    const { pid, thread, label, canServe } = member.hello;
    const holder = {
      pid,
      ...(thread !== undefined && { thread }),
      ...(label !== undefined && { label }),
      references: member.references,
      since: member.since,
      canServe,
    };
    bytes += Buffer.byteLength(JSON.stringify(holder)) + 1;
    if (listed.length === maxListedMembers || bytes > maxListedBytes) break;
    listed.push(holder);
  }
  return listed;
}
