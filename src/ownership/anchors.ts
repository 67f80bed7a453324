import type { Channel } from '../control/channel.js';
import type { ToOwner } from '../control/messages.js';
import type { AttachedMember } from './attached-member.js';

/**
 * The anchors of members: second connections, of which a child of a member inherits the other end. A hold whose own connection
 * is over counts exactly as long as its anchor is open. What a program does with a descriptor that it does not know must mean
 * nothing: so an anchor is not listened to, and only its end tells.
 */
export class Anchors {
  /** They may be open when their members' own connections are not. */
  readonly #holds = new WeakMap<Channel<ToOwner>, AttachedMember>();

  /** Takes a connection as the anchor of a hold. */
  take(channel: Channel<ToOwner>, member: AttachedMember): void {
    member.anchor = channel;
    this.#holds.set(channel, member);
    channel.deafen({ type: 'anchored' });
  }

  /** A connection is over. The hold whose anchor it was has none any more. */
  ended(channel: Channel<ToOwner>): AttachedMember | undefined {
    const member = this.#holds.get(channel);
    if (member) member.anchor = undefined;
    return member;
  }
}
