import type { SocketReferenceError } from '../errors/error.js';
import type { LockFile } from '../files/lock-file.js';
import type { Remains } from '../files/remains.js';

/** What a server that has to be started asks of its owner. */
export interface ServerHost {
  /** The lock, for the record. */
  readonly lock: LockFile;
  /** Takes what cannot be removed at once. */
  readonly remains: Remains;
  /** Cuts what does not count any more from a record that has grown long. */
  shortenRecord(): void;
  /**
   * Has the data socket published again, in the place of the one before. Says whether it was: not if the endpoint ends, or if
   * nothing listens by then. Rejects like any publishing.
   */
  publish(): Promise<boolean>;
  /** Looks after the files, and the server's socket, now. Never rejects. */
  repair(): Promise<void>;
  /** It can be reached again: those who came meanwhile need not wait any longer. */
  ready(): void;
  /** Something is wrong that no call waits for. */
  fault(error: unknown): void;
  /** It has failed for good. */
  failed(error: SocketReferenceError): void;
}
