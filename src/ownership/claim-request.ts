import type { Context } from '../context.js';
import type { Identity } from '../files/identity.js';
import type { Place } from '../files/place.js';
import type { ServerSpec } from '../serving/server-spec.js';
import type { KeeperDeaths } from './keeper-deaths.js';
import type { Lease, LeaseEvents, Peers } from './lease.js';
import type { OwnerSettings } from './settings.js';
import type { WaitReason } from './wait-reason.js';

/** A claim on an endpoint: to become its owner, or a member of its owner. */
export interface Claim {
  readonly place: Place;
  readonly settings: OwnerSettings;
  readonly context: Context;
  readonly events: LeaseEvents;
  /** What to serve with; undefined for a claim that can only join. Called at each attempt. */
  serverSpec(): ServerSpec | undefined;
  /** References here, including pending acquires; at least 1. */
  references(): number;
  /** Files that this process published in an earlier life of this endpoint. */
  readonly own: readonly Identity[];
  /** Set when the owner was lost: the holders at that moment. They wait for a successor, even if they cannot serve. */
  readonly failover: Peers | undefined;
  readonly keeperDeaths: KeeperDeaths;
  /** Ends the claim. */
  readonly signal: AbortSignal;
  waitsFor(what: WaitReason): void;
  /** Called in the tick in which the claim gets its lease. */
  accept(lease: Lease): void;
}
