import type { SocketReferenceError } from '../errors/error.js';
import type { Identity } from '../files/identity.js';

/** A process's stake in an endpoint: as its owner, or as a member that is attached to the owner. */
export interface Lease {
  readonly role: 'owner' | 'member';
  /** The owner's process. */
  readonly ownerPid: number;
  /** Live references elsewhere, as far as it is known here. */
  readonly others: number;
  /** Who else would seek a new owner, as far as it is known here. */
  readonly peers: Peers;
  /** How many references the owner allows in all. */
  readonly maxReferences: number;
  /** Files that this process published, for the next claim to recognise. */
  readonly published: readonly Identity[];
  /** The number of references here has changed. May call {@link LeaseEvents.stopping} before it returns. */
  update(references: number): void;
  /**
   * When it is known whether the last release ends the endpoint: a successor waits a moment for those who depended on its
   * predecessor. Undefined if nothing is to be waited for.
   */
  readonly settling: Promise<void> | undefined;
  /** Gives the stake up whatever the counts are; members elsewhere go on with another owner. */
  abandon(): Promise<void>;
  /** Whether it keeps the process alive. */
  keepAlive(alive: boolean): void;
  /** Looks after the files now, if it is the owner. */
  repair(): Promise<void>;
}

/** Those who hold an endpoint besides its owner. */
export interface Peers {
  readonly members: number;
  /** Those of the members that cannot serve: without an owner their references are lost. */
  readonly dependents: number;
}

/** What a lease tells the endpoint that holds it. */
export interface LeaseEvents {
  /** It has begun to end, and no reference can be given out any more. `done` resolves when every file is gone. */
  stopping(done: Promise<void>): void;
  /** It ended against the will of its holder: the owner died, or was deposed. The references can go on with another one. */
  lost(cause: 'owner-died' | 'deposed'): void;
  /** Someone ended the endpoint by force, for everybody. */
  ended(reason: SocketReferenceError): void;
}
