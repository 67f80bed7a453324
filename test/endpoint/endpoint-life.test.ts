import { describe, expect, it } from 'vitest';
import type { ClaimAttempt } from '#src/endpoint/claim-attempt.js';
import { EndpointLife } from '#src/endpoint/endpoint-life.js';
import type { Lease } from '#src/ownership/lease.js';

const [first, second] = [{}, {}] as [ClaimAttempt, ClaimAttempt];
const lease = { role: 'owner' } as Lease;

describe('the life of an endpoint', () => {
  it('has a lease while it is active, and an attempt while it claims', () => {
    const life = new EndpointLife(first);
    expect(life).toMatchObject({ live: false, lease: undefined, attempt: first, ending: undefined, role: 'member' });
    life.activate(lease);
    expect(life).toMatchObject({ live: true, lease, attempt: undefined, ending: undefined, role: 'owner' });
    life.recover(second, 'owner-died');
    expect(life).toMatchObject({ live: true, lease: undefined, attempt: second, ending: undefined, role: 'member' });
  });

  it('keeps its last role, and the reason of its end', async () => {
    const life = new EndpointLife(first);
    life.activate(lease);
    const done = Promise.resolve();
    life.stop(done);
    expect(life).toMatchObject({ live: false, lease: undefined, attempt: undefined, role: 'owner' });
    expect(life.ending).toBe(done);
    life.end();
    expect(life).toMatchObject({ live: false, role: 'owner' });
    await life.ending;
  });

  it('reports that clients can connect, or cannot any more, and not that it recovers', async () => {
    const life = new EndpointLife(first);
    const told: string[] = [];
    const listen = (what: string) => void life.whenChanged().then(() => told.push(what));
    listen('active');
    life.activate(lease);
    await Promise.resolve();
    listen('stopping');
    life.recover(second, 'deposed');
    await Promise.resolve();
    expect(told).toEqual(['active']);
    life.stop(Promise.resolve());
    await Promise.resolve();
    expect(told).toEqual(['active', 'stopping']);
  });
});
