import type { Channel } from '../control/channel.js';
import type { Hello, ToOwner } from '../control/messages.js';

/** A member, as its owner sees it: one control connection, and its number of references. */
export interface AttachedMember {
  readonly channel: Channel<ToOwner>;
  readonly hello: Hello;
  readonly since: number;
  /** The key that its anchor names. */
  readonly key: string;
  /** Changed only together with the sum of all references. */
  references: number;
  /**
   * A connection that another process inherited from the member. Through it the references count after the member has
   * died.
   */
  anchor: Channel<ToOwner> | undefined;
  /** Its own connection has ended, and only the anchor is left. */
  survived: boolean;
  /** It was welcomed before the server was up, and must be told when it is. */
  waits: boolean;
  /** The newest count waits until the member has read the one before. */
  updatePending: boolean;
}
