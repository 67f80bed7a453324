import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { deferred } from '#src/deferred.js';
import { ClaimAttempt, type ClaimingEndpoint } from '#src/endpoint/claim-attempt.js';
import type { Place } from '#src/files/place.js';
import { KeeperDeaths } from '#src/ownership/keeper-deaths.js';
import type { Lease } from '#src/ownership/lease.js';
import type { ServerSpec } from '#src/serving/server-spec.js';
import { Notes, ownerSettings } from '../helpers/parts.js';
import { takeLock, withPlace } from '../helpers/place.js';
import { greet } from '../helpers/serve.js';
import { until } from '../helpers/until.js';

const serving: ServerSpec = { kind: 'handler', serve: greet };

/** A lease of an owner that was lost. */
const lost = { role: 'member', ownerPid: process.pid, peers: { members: 0, dependents: 0 }, published: [] };

/** An endpoint that notes what its attempt tells it. */
function endpointAt(place: Place, serverSpec: ServerSpec | undefined) {
  const context = new Notes();
  const told: string[] = [];
  const leases: Lease[] = [];
  const errors: unknown[] = [];
  const endpoint: ClaimingEndpoint = {
    place,
    settings: ownerSettings({ failoverTimeoutMs: 500 }),
    context,
    serverSpec,
    ownReferences: 0,
    keeperDeaths: new KeeperDeaths(),
    ...context.events,
    waitsFor: ({ waitingFor }) => void told.push(waitingFor),
    claimed: (lease) => void leases.push(lease),
    claimFailed: (error) => void errors.push(error),
    claimTimedOut: () => void told.push('timed out'),
  };
  const attempt = (lease?: object) => new ClaimAttempt(endpoint, [], lease as Lease | undefined);
  return { context, told, leases, errors, attempt };
}

describe('an attempt to claim', () => {
  it('hands over the lease that it obtains', () =>
    withPlace(async (place) => {
      const { context, leases, errors, attempt } = endpointAt(place, serving);
      attempt().begin();
      await until('there is a lease', () => leases.length === 1);
      expect([leases[0]?.role, errors]).toEqual(['owner', []]);
      leases[0]?.update(0);
      await context.done;
    }));

  it('tells why it failed', () =>
    withPlace(async (place) => {
      const { errors, attempt } = endpointAt(place, undefined);
      attempt().begin();
      await until('it has failed', () => errors.length === 1);
      expect(errors).toEqual([expect.objectContaining({ code: 'ERR_SOCKREF_NOT_SERVED' })]);
    }));

  it('counts all that wait as one reference', () =>
    withPlace((place) => {
      const { attempt } = endpointAt(place, serving);
      expect(attempt().references()).toBe(1);
    }));

  it('tells nothing once it is abandoned, and leaves nothing', () =>
    withPlace(async (place) => {
      const { leases, errors, told, attempt } = endpointAt(place, serving);
      const first = attempt();
      first.begin();
      await first.abandon();
      expect([leases, errors, told]).toEqual([[], [], []]);
    }));

  it('gives up a lease that comes after it was abandoned', () =>
    withPlace(async (place) => {
      const { leases, attempt } = endpointAt(place, serving);
      const first = attempt();
      const given = deferred<void>();
      let abandoned = 0;
      const abandon = (): Promise<void> => {
        abandoned++;
        return given.promise;
      };
      void first.abandon();
      first.accept({ abandon } as Lease);
      expect([abandoned, leases]).toEqual([1, []]);
      given.resolve();
    }));

  it('has a limited time after an owner was lost, and removes what that left', () =>
    withPlace(async (place) => {
      const left = takeLock(place);
      left.begin();
      const { context, told, attempt } = endpointAt(place, undefined);
      const first = attempt(lost);
      first.begin();
      await until('it waits', () => told.length > 0);
      expect(told).not.toContain('timed out');
      context.clock.pass(500);
      expect(told.at(-1)).toBe('timed out');
      left.release();
      expect(existsSync(`${place.path}.lock`)).toBe(true);
      await first.abandon();
      expect(existsSync(`${place.path}.lock`)).toBe(false);
      expect(context.clock.timers).toBe(0);
    }));

  it('has no limit of time before the first owner', () =>
    withPlace(async (place) => {
      const { context, attempt } = endpointAt(place, serving);
      const first = attempt();
      first.begin();
      expect(context.clock.timers).toBe(0);
      await first.abandon();
    }));
});
