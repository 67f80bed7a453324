import type { SocketReferenceError } from '../errors/error.js';
import type { Identity } from '../files/identity.js';

/** What an endpoint holds while it is served: as its owner, or as a member that is attached to its owner. */
export interface Lease {
  readonly role: 'owner' | 'member';
  /** The process id of the owner. */
  readonly ownerPid: number;
  /** Live references elsewhere, as far as this process knows. */
  readonly others: number;
  /** The other holders, which would also seek a new owner, as far as this process knows. */
  readonly peers: Peers;
  /** How many references the owner allows in total. */
  readonly maxReferences: number;
  /** Files that this process published; its next claim recognises them. */
  readonly published: readonly Identity[];
  /** The number of references here changed. May call {@link LeaseEvents.stopping} before it returns. */
  update(references: number): void;
  /**
   * Resolves when it is known whether the last release ends the endpoint: a successor waits a moment for the members
   * that depended on its predecessor. Undefined if there is nothing to wait for.
   */
  readonly settling: Promise<void> | undefined;
  /** Gives up the lease, even if there are references. Members elsewhere continue with another owner. */
  abandon(): Promise<void>;
  /** Sets whether it keeps the process alive. */
  keepAlive(alive: boolean): void;
  /** Checks and repairs the files now, if this is the owner. */
  repair(): Promise<void>;
}

/** The holders of an endpoint besides its owner. */
export interface Peers {
  readonly members: number;
  /** How many members cannot serve: without an owner they lose their references. */
  readonly dependents: number;
}

/** What a lease tells its endpoint. */
export interface LeaseEvents {
  /**
   * The endpoint has begun to end, and no reference can be given out any more. `done` resolves when every file is
   * removed.
   */
  stopping(done: Promise<void>): void;
  /**
   * The lease ended without its holder: the owner died, or was deposed. The references can continue with another owner.
   */
  lost(cause: 'owner-died' | 'deposed'): void;
  /** Another process ended the endpoint by force, for all its holders. */
  ended(reason: SocketReferenceError): void;
}
