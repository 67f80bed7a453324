import type { SocketReferenceError } from '../errors/error.js';
import type { LockFile } from '../files/lock-file.js';
import type { Remains } from '../files/remains.js';

/** What a server that must be started needs from its owner. */
export interface ServerHost {
  /** The lock, for the record. */
  readonly lock: LockFile;
  /** Remembers what cannot be removed at once. */
  readonly remains: Remains;
  /** Removes what no longer counts from a record that has grown long. */
  shortenRecord(): void;
  /**
   * Publishes the data socket again, in place of the one before. Resolves to false if the endpoint ends, or if nothing
   * listens by then. Rejects if the publishing fails.
   */
  publish(): Promise<boolean>;
  /** Checks the files and the server's socket now. Never rejects. */
  repair(): Promise<void>;
  /** The server can be reached again: waiting members are told. */
  ready(): void;
  /** Reports a failure for which no call waits. */
  fault(error: unknown): void;
  /** The server has failed for good. */
  failed(error: SocketReferenceError): void;
}
