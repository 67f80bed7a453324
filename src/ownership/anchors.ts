import type { Channel } from '../control/channel.js';
import type { ToOwner } from '../control/messages.js';
import type { AttachedMember } from './attached-member.js';

/**
 * The anchors of members: second connections whose other ends the members' children inherit. After a member's own
 * connection has ended, its references count exactly as long as its anchor is open. A program must be able to do
 * anything with an unknown descriptor: so nothing is read from an anchor, and only its end counts.
 */
export class Anchors {
  /** A WeakMap, because anchors may be open after their members' own connections have ended. */
  readonly #members = new WeakMap<Channel<ToOwner>, AttachedMember>();

  /** Takes a connection as the anchor of a member. */
  take(channel: Channel<ToOwner>, member: AttachedMember): void {
    member.anchor = channel;
    this.#members.set(channel, member);
    channel.deafen({ type: 'anchored' });
  }

  /** A connection has ended. If it was an anchor, returns its member, which has no anchor any more. */
  ended(channel: Channel<ToOwner>): AttachedMember | undefined {
    const member = this.#members.get(channel);
    if (member) member.anchor = undefined;
    return member;
  }
}
