import type { Clock } from '../clock.js';
import type { ReclaimRule } from '../files/reclaim.js';
import type { Report } from './report.js';

/** What an owner needs to know besides what it serves; all of it normalised. */
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

/** What the layers below the endpoints are given by the manager. */
export interface Surroundings extends Report {
  readonly clock: Clock;
  /** Runs the work of a clean-up, a bounded number at once. */
  cleanUp(work: () => void | Promise<void>): Promise<void>;
}
