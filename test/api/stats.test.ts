import { expect, it } from 'vitest';
import { ManagerCounters } from '#src/api/stats.js';
import { CleanUps } from '#src/endpoint/clean-ups.js';
import type { Endpoint } from '#src/endpoint/endpoint.js';
import { Owner } from '#src/ownership/owner.js';

/** Only what the numbers are taken from. */
function endpoint(live: boolean, ownReferences: number, connections?: object): Endpoint {
  const lease = connections && Object.create(Owner.prototype, { connections: { value: connections } });
  return { live, ownReferences, lease } as unknown as Endpoint;
}

it('stats are sums over the sockets, and over the connections of those that this process serves', () => {
  const counters = new ManagerCounters();
  counters.failover = 3;
  counters.leaked = 2;
  const endpoints = [
    endpoint(true, 2, { open: 1, accepted: 10, dropped: 2, failed: 3 }),
    endpoint(true, 5, { open: 2, accepted: 20, dropped: 1, failed: 0 }),
    endpoint(true, 1),
    { ...endpoint(true, 4), lease: { role: 'member' } } as Endpoint,
    endpoint(false, 0),
  ];
  const stats = counters.snapshot(endpoints, 7, new CleanUps(1));
  expect(stats).toEqual({
    activeSockets: 4,
    references: 12,
    pendingAcquires: 7,
    cleanUps: { running: 0, queued: 0 },
    connections: { open: 3, accepted: 30, dropped: 3, failed: 3 },
    started: 0,
    stopped: 0,
    acquired: 0,
    released: 0,
    failovers: 3,
    lost: 0,
    healed: 0,
    reclaimed: 0,
    leaked: 2,
    faults: 0,
  });
});

it('stats are a snapshot: later events do not change them', () => {
  const counters = new ManagerCounters();
  const before = counters.snapshot([], 0, new CleanUps(1));
  counters.acquired++;
  expect(before.acquired).toBe(0);
  expect(counters.snapshot([], 0, new CleanUps(1)).acquired).toBe(1);
});
