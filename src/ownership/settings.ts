import type { ReclaimRule } from '../files/leftovers.js';

/** The settings of an owner, besides its server, all normalised. */
export interface OwnerSettings {
  readonly mode: number;
  readonly lingerMs: number;
  readonly drainTimeoutMs: number;
  readonly failoverTimeoutMs: number;
  readonly healIntervalMs: number;
  readonly reclaim: ReclaimRule;
  readonly label: string | undefined;
  readonly maxReferences: number;
  readonly maxMembers: number;
  readonly maxConnections: number;
}
