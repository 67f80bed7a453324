import { threadId } from 'node:worker_threads';
import type { Context } from '../context.js';
import type { ToOwner } from '../control/messages.js';
import type { OutputPlace } from '../files/file-end.js';
import type { Place } from '../files/place.js';
import { protocolVersion } from '../protocol/constants.js';
import type { Lease, LeaseEvents } from './lease.js';
import type { OwnerSettings } from './settings.js';

/** What a membership needs to start. */
export interface MembershipStart {
  readonly place: Place;
  readonly settings: OwnerSettings;
  readonly context: Context;
  readonly events: LeaseEvents;
  /** References here, including pending acquires. */
  readonly references: number;
  readonly canServe: boolean;
  /** Whether this process has started the owner. It waits for a member, and ends with its only one. */
  readonly startedByUs: boolean;
  /** Called when there is an owner whose server is not up yet. */
  starting(output: OutputPlace | undefined): void;
  /** Called in the tick in which the server is known to be up. */
  accept(member: Lease): void;
}

/** Why an attempt to attach gave no lease: the owner is ending, or did not answer as an owner. */
export type NotAttached = 'stopping' | 'closed';

/** The first message of a member. */
export function helloOf({ references, canServe, settings: { label } }: MembershipStart): ToOwner {
  return {
    type: 'hello',
    v: protocolVersion,
    pid: process.pid,
    ...(threadId !== 0 && { thread: threadId }),
    ...(label !== undefined && { label }),
    references,
    canServe,
  };
}
