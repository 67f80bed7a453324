import type { Channel } from '../control/channel.js';
import type { Hello, ToOwner } from '../control/messages.js';

/** A member, as its owner knows it: one control connection, and how many references it has. */
export interface AttachedMember {
  readonly channel: Channel<ToOwner>;
  readonly hello: Hello;
  readonly since: number;
  /** What its anchor names. */
  readonly key: string;
  /** Changed only where the sum of all is kept, too. */
  references: number;
  /** A connection that somebody inherited from the member, by which its references count when the member itself has died. */
  anchor: Channel<ToOwner> | undefined;
  /** Its own connection is over, and only the anchor is left. */
  survived: boolean;
  /** It was welcomed while the server was not up, and is to be told when it is. */
  waits: boolean;
  /** The newest count waits until the peer has read the one before. */
  updatePending: boolean;
}
