import { describe, expect, it } from 'vitest';
import type { ReferenceState } from '#src/endpoint/reference-state.js';
import type { WaiterOptions } from '#src/endpoint/waiter.js';
import { Waiters, type WaitingEndpoint } from '#src/endpoint/waiters.js';
import { SocketReferenceError } from '#src/errors/error.js';
import { FakeClock } from '../helpers/fake-clock.js';

const full = new SocketReferenceError('ERR_SOCKREF_LIMIT_EXCEEDED', 'full', {});

/** Waiters of an endpoint that is active and gives out references by number. */
function scene({
  max = 10,
  granted = () => {},
}: {
  max?: number;
  granted?: (endpoint: { lease: unknown }) => void;
} = {}) {
  const clock = new FakeClock();
  const endpoint = {
    place: { path: '/tmp/a.sock' },
    context: { clock },
    waitReason: { waitingFor: 'a test', pid: undefined },
    lease: {} as object | undefined,
    given: 0,
    gaveUps: 0,
    get full() {
      return endpoint.given < max ? undefined : full;
    },
    grant: () => {
      granted(endpoint);
      return ++endpoint.given as unknown as ReferenceState;
    },
    gaveUp: () => void endpoint.gaveUps++,
  };
  const waiters = new Waiters(endpoint as unknown as WaitingEndpoint);
  const add = (options: Partial<WaiterOptions> = {}) =>
    waiters.add({ timeoutMs: 100, total: 100, signal: undefined, trace: undefined, canServe: true, ...options });
  return { clock, endpoint, waiters, add };
}

describe('waiters', () => {
  it('get their references in the order of their arrival, up to the limit', async () => {
    const { clock, waiters, add } = scene({ max: 2 });
    const outcomes = Promise.allSettled([add(), add(), add()]);
    waiters.grant();
    expect(waiters.count).toBe(0);
    expect(await outcomes).toEqual([
      { status: 'fulfilled', value: 1 },
      { status: 'fulfilled', value: 2 },
      { status: 'rejected', reason: full },
    ]);
    expect(clock.timers).toBe(0);
  });

  it('stay for the next life if the socket ends while they are served', async () => {
    const { waiters, add } = scene({
      granted: (endpoint) => {
        endpoint.lease = undefined;
      },
    });
    const outcomes = Promise.all([add(), add()]);
    waiters.grant();
    expect(waiters.count).toBe(1);
    waiters.startOver();
    expect(await outcomes).toEqual([1, 'start-over']);
  });

  it('that can serve start over after a claim that failed because no waiter could serve', async () => {
    const { waiters, add } = scene();
    const error = new SocketReferenceError('ERR_SOCKREF_NOT_SERVED', 'not served', {});
    const outcomes = Promise.allSettled([add({ canServe: false }), add()]);
    waiters.claimFailed(error);
    expect(await outcomes).toEqual([
      { status: 'rejected', reason: error },
      { status: 'fulfilled', value: 'start-over' },
    ]);
  });

  it('all fail with a claim that failed for another reason', async () => {
    const { waiters, add } = scene();
    const outcomes = Promise.allSettled([add({ canServe: false }), add()]);
    waiters.claimFailed(full);
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('tell their endpoint when one of them gives up', async () => {
    const { clock, endpoint, waiters, add } = scene();
    const outcome = expect(add()).rejects.toMatchObject({ code: 'ERR_SOCKREF_TIMEOUT' });
    clock.pass(100);
    await outcome;
    expect([waiters.count, endpoint.gaveUps]).toEqual([0, 1]);
  });
});
