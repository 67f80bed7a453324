import type { ServerState } from '../control/messages.js';
import type { OutputPlace } from '../files/file-end.js';
import type { Identity } from '../files/identity.js';
import type { Listener } from '../files/publish.js';
import type { RecordEntry } from '../files/record.js';
import type { ConnectionStats } from './connections.js';

/** What serves the data socket of an owner: a handler in this process, or a command that a keeper runs. */
export interface Server {
  readonly stats: Readonly<ConnectionStats>;
  /** Milliseconds that its end may take. */
  readonly stopTimeoutMs: number;
  /** Whether its end must be waited for. */
  readonly busy: boolean;
  /** Whether a client that connects reaches it, at once or through its queue. False while it is being restarted. */
  readonly reachable: boolean;
  /** What the record must say about it, besides its socket. */
  readonly recorded: readonly RecordEntry[];
  /** Where waiting members can read its output; undefined if there is none. */
  readonly output?: OutputPlace | undefined;
  /** What listings show about it, besides its owner; undefined for nothing. */
  readonly description: ServerState | undefined;
  /**
   * What is published as the data socket now, and again whenever its file was lost. Undefined while nothing listens.
   */
  source(): Listener | string | undefined;
  /**
   * Checks whether what listens is still what was published, and publishes it again if not. Resolves to whether it did.
   * Undefined if no other program could have changed it.
   *
   * @param published - the data socket, as it was published last
   */
  readonly look?: ((published: Identity | undefined) => Promise<boolean>) | undefined;
  /** Ends it. It may finish its work within its time. Its socket is not published any more. Idempotent. */
  stop(): Promise<void>;
  /** The endpoint continues elsewhere. Work in progress continues, and is not waited for. */
  detach(): void;
}
