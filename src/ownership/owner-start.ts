import type { Context } from '../context.js';
import type { LockFile } from '../files/lock-file.js';
import type { Server } from '../serving/server.js';
import type { LeaseEvents } from './lease.js';
import type { OwnerSettings } from './settings.js';

/** What an owner needs to start. */
export interface OwnerStart {
  /** Locked and checked, and its dead owner's files removed. The owner releases it at its end. */
  readonly lock: LockFile;
  readonly server: Server;
  readonly settings: OwnerSettings;
  readonly context: Context;
  readonly events: LeaseEvents;
  /** References here, including pending acquires. */
  readonly references: number;
  /** Members that cannot serve and had references to the endpoint when its last owner was lost. */
  readonly awaitedDependents: number;
}
