import type { ServerState } from '../control/messages.js';
import type { OutputPlace } from '../files/file-end.js';
import type { Identity } from '../files/identity.js';
import type { Listener } from '../files/publish.js';
import type { RecordEntry } from '../files/record.js';
import type { ConnectionStats } from './connections.js';

/** What stands behind the data socket of an owner: a handler in this process, or a command that a keeper runs. */
export interface Server {
  readonly stats: Readonly<ConnectionStats>;
  /** Milliseconds that its end may take. */
  readonly stopTimeoutMs: number;
  /** Whether its end has to be waited for. */
  readonly busy: boolean;
  /** Whether whoever connects reaches it, at once or in its queue. Not so while it is being started again. */
  readonly reachable: boolean;
  /** What the record has to say of it, besides its socket. */
  readonly recorded: readonly RecordEntry[];
  /** Where its output can be read, by those who wait for it; undefined if there is none. */
  readonly output?: OutputPlace | undefined;
  /** What there is to tell of it in listings, beyond its owner. */
  readonly description: ServerState | undefined;
  /** What is published as the data socket: now, and whenever its file was lost. Undefined while nothing listens. */
  source(): Listener | string | undefined;
  /**
   * Looks whether what listens is still what was published, and has it published if not. Says whether it was. Undefined if
   * nobody else could have changed it.
   *
   * @param published - the data socket, as it was published last
   */
  readonly look?: ((published: Identity | undefined) => Promise<boolean>) | undefined;
  /** Ends it: what it does already it may finish, within its time. Its socket is not published any more. Idempotent. */
  stop(): Promise<void>;
  /** The endpoint goes on elsewhere. What it does already goes on by itself, and nobody waits for it. */
  detach(): void;
}
