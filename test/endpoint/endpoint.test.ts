import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { ConnectionHandler } from 'sockref';
import { describe, expect, it } from 'vitest';
import { deferred } from '#src/deferred.js';
import { Endpoint } from '#src/endpoint/endpoint.js';
import type { EndpointHost } from '#src/endpoint/host.js';
import type { ReferenceState } from '#src/endpoint/reference-state.js';
import type { Place } from '#src/files/place.js';
import { FakeClock } from '../helpers/fake-clock.js';
import { takeLock, withPlace } from '../helpers/place.js';
import { greet } from '../helpers/serve.js';
import { until } from '../helpers/until.js';

/** One life of a socket, in a host that only records its calls, with a clock that stands still. */
class Life {
  readonly clock = new FakeClock();
  readonly told: string[] = [];
  readonly place: Place;
  readonly endpoint: Endpoint;
  readonly gone: Promise<void>;

  constructor(place: Place, options: { lingerMs?: number; drainTimeoutMs?: number; serve?: ConnectionHandler } = {}) {
    this.place = place;
    let isGone!: () => void;
    this.gone = new Promise((resolve) => {
      isGone = resolve;
    });
    const note = (what: string) => (endpoint: Endpoint) => void this.told.push(`${what} ${endpoint.references}`);
    const host: EndpointHost = {
      clock: this.clock,
      maxReferences: 5,
      reclaimed: () => {},
      healed: () => {},
      fault: (_, error) => void this.told.push(`fault ${error}`),
      cleanUp: async (work) => work(),
      started: note('started'),
      stopped: note('stopped'),
      acquired: note('acquired'),
      released: note('released'),
      failedOver: note('failover'),
      lost: note('lost'),
      leaked: note('leaked'),
      gone: () => isGone(),
    };
    const { lingerMs = 0, drainTimeoutMs = 1_000, serve = greet } = options;
    const settings = {
      mode: 0o600,
      lingerMs,
      drainTimeoutMs,
      failoverTimeoutMs: 10_000,
      healIntervalMs: 5_000,
      reclaim: 'recorded' as const,
      label: undefined,
      maxReferences: 5,
      maxMembers: 5,
      maxConnections: 5,
    };
    this.endpoint = new Endpoint(place, settings, { kind: 'handler', serve }, host);
  }

  wait(timeoutMs = 1_000): Promise<ReferenceState | 'start-over'> {
    const options = { timeoutMs, total: timeoutMs, signal: undefined, trace: undefined, canServe: true };
    return this.endpoint.wait(options, { kind: 'handler', serve: greet });
  }

  /** A reference, where starting over would be a failure. */
  async take(): Promise<ReferenceState> {
    const reference = await this.wait();
    if (reference === 'start-over') throw new Error('the endpoint was on its way out');
    return reference;
  }
}

describe('an endpoint', () => {
  it('goes from claiming to ended, once', () =>
    withPlace(async (place) => {
      const life = new Life(place);
      expect(life.endpoint).toMatchObject({ state: 'claiming', live: false, references: 0, ending: undefined });
      const references = await Promise.all([life.take(), life.take()]);
      expect(life.endpoint).toMatchObject({ state: 'active', live: true, references: 2, role: 'owner' });
      references.push(life.endpoint.share(undefined));
      for (const reference of references) void life.endpoint.release(reference);
      expect(life.endpoint).toMatchObject({ state: 'stopping', live: false, references: 0 });
      await life.endpoint.ending;
      await life.gone;
      expect(life.endpoint).toMatchObject({ state: 'ended', live: false, references: 0 });
      expect(life.told).toEqual([
        'started 0',
        'acquired 1',
        'acquired 2',
        'acquired 3',
        'released 2',
        'released 1',
        'released 0',
        'stopped 0',
      ]);
      expect(life.clock.timers).toBe(0);
    }));

  it('tells acquires during its end to start over, once it is over', () =>
    withPlace(async (place) => {
      const life = new Life(place);
      const reference = await life.take();
      void life.endpoint.release(reference);
      const late = life.wait();
      expect(readdirSync(dirname(place.path)).length).toBeGreaterThan(0);
      expect(await late).toBe('start-over');
      expect(life.endpoint.state).toBe('ended');
    }));

  it('releases a reference once, even after several calls', () =>
    withPlace(async (place) => {
      const life = new Life(place);
      const [first, second] = [await life.take(), life.endpoint.share(undefined)];
      void life.endpoint.release(first);
      void life.endpoint.release(first);
      life.endpoint.collected(first);
      expect(life.endpoint.references).toBe(1);
      life.endpoint.collected(second);
      expect(life.endpoint.state).toBe('stopping');
      await life.gone;
      expect(life.told.filter((each) => /released|leaked/.test(each))).toEqual([
        'released 1',
        'leaked 1',
        'released 0',
      ]);
    }));

  it('ends a claim attempt when no acquire waits for it any more', () =>
    withPlace(async (place) => {
      const blocking = takeLock(place);
      const life = new Life(place);
      const waiting = expect(life.wait(50)).rejects.toMatchObject({ code: 'ERR_SOCKREF_TIMEOUT' });
      life.clock.pass(50);
      expect(life.endpoint.state).toBe('stopping');
      await waiting;
      await life.gone;
      blocking.remove();
      blocking.release();
    }));

  it('refuses a reference beyond the limit, and does not count it', () =>
    withPlace(async (place) => {
      const life = new Life(place);
      const results = await Promise.allSettled(Array.from({ length: 7 }, () => life.take()));
      expect(results.map((each) => each.status)).toEqual([
        ...new Array(5).fill('fulfilled'),
        ...new Array(2).fill('rejected'),
      ]);
      expect(() => life.endpoint.share(undefined)).toThrow('maxReferencesPerSocket');
      expect(life.endpoint.references).toBe(5);
      await life.endpoint.force();
    }));
});

describe('linger', () => {
  it('ends after exactly its time', () =>
    withPlace(async (place) => {
      const life = new Life(place, { lingerMs: 3_000 });
      const reference = await life.take();
      await life.endpoint.release(reference);
      life.clock.pass(2_999);
      expect(life.endpoint).toMatchObject({ state: 'active', references: 0 });
      expect(existsSync(place.path)).toBe(true);
      life.clock.pass(1);
      expect(life.endpoint.state).toBe('stopping');
      expect(existsSync(place.path)).toBe(false);
      await life.gone;
    }));

  it('begins again each time that the last reference is closed', () =>
    withPlace(async (place) => {
      const life = new Life(place, { lingerMs: 3_000 });
      await life.endpoint.release(await life.take());
      for (let round = 0; round < 3; round++) {
        life.clock.pass(2_000);
        const reference = life.endpoint.share(undefined);
        life.clock.pass(10_000);
        expect(life.endpoint.state).toBe('active');
        await life.endpoint.release(reference);
      }
      life.clock.pass(3_000);
      await life.gone;
    }));

  it('is cut short by force', () =>
    withPlace(async (place) => {
      const life = new Life(place, { lingerMs: 3_000 });
      await life.endpoint.release(await life.take());
      const done = life.endpoint.force();
      expect(life.endpoint.live).toBe(false);
      await done;
      expect(life.clock.timers).toBe(0);
    }));
});

describe('drain', () => {
  it('ends connections after exactly its time', () =>
    withPlace(async (place) => {
      const accepted = deferred<void>();
      const serve: ConnectionHandler = (socket) => accepted.resolve(void socket.resume());
      const life = new Life(place, { drainTimeoutMs: 4_000, serve });
      const reference = await life.take();
      const client = connect(place.path);
      await accepted.promise;
      const ending = life.endpoint.release(reference);
      expect(existsSync(place.path)).toBe(false);
      const closed = once(client.resume(), 'close');
      client.on('error', () => {});
      await until('the drain has its timer', () => life.clock.timers > 0);
      life.clock.pass(3_999);
      expect(life.endpoint.state).toBe('stopping');
      life.clock.pass(1);
      await Promise.all([ending, closed]);
      expect(life.endpoint.state).toBe('ended');
    }));
});
