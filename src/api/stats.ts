import type { CleanUps } from '../endpoint/clean-ups.js';
import type { Endpoint } from '../endpoint/endpoint.js';
import { Owner } from '../ownership/owner.js';

/** What a manager has now, and what it has done since it was created. */
export interface ManagerStats {
  /** Sockets that are active in this manager. */
  readonly activeSockets: number;
  /** References of this manager. */
  readonly references: number;
  /** Acquires that are waiting. */
  readonly pendingAcquires: number;
  /** Clean-ups that are running, and those that wait for their turn. */
  readonly cleanUps: { readonly running: number; readonly queued: number };
  /** Connections to the sockets that this process serves: those open now, and those since each socket started. */
  readonly connections: {
    readonly open: number;
    readonly accepted: number;
    readonly dropped: number;
    readonly failed: number;
  };
  readonly started: number;
  readonly stopped: number;
  readonly acquired: number;
  readonly released: number;
  readonly failovers: number;
  readonly lost: number;
  readonly healed: number;
  readonly reclaimed: number;
  readonly leaked: number;
  readonly faults: number;
}

/** Counts the work of a manager. */
export class ManagerCounters {
  started = 0;
  stopped = 0;
  acquired = 0;
  released = 0;
  failover = 0;
  lost = 0;
  healed = 0;
  reclaimed = 0;
  leaked = 0;
  faults = 0;

  /** The numbers of this moment. */
  snapshot(endpoints: readonly Endpoint[], pendingAcquires: number, queue: CleanUps): ManagerStats {
    const connections = { open: 0, accepted: 0, dropped: 0, failed: 0 };
    let activeSockets = 0;
    let references = 0;
    for (const endpoint of endpoints) {
      if (endpoint.live) activeSockets++;
      references += endpoint.ownReferences;
      if (!(endpoint.lease instanceof Owner)) continue;
      for (const key of ['open', 'accepted', 'dropped', 'failed'] as const) {
        connections[key] += endpoint.lease.connections[key];
      }
    }
    const { started, stopped, acquired, released, failover: failovers, lost, healed, reclaimed, leaked, faults } = this;
    return {
      activeSockets,
      references,
      pendingAcquires,
      cleanUps: { running: queue.running, queued: queue.queued },
      connections,
      started,
      stopped,
      acquired,
      released,
      failovers,
      lost,
      healed,
      reclaimed,
      leaked,
      faults,
    };
  }
}
