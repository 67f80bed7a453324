import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Waiter, type WaiterOptions } from '#src/endpoint/waiter.js';
import type { WaitReason } from '#src/ownership/wait-reason.js';
import { FakeClock } from '../helpers/fake-clock.js';

const path = '/tmp/a.sock';

function wait(options: Partial<WaiterOptions> = {}, waitReason: WaitReason = { waitingFor: 'a test', pid: undefined }) {
  const clock = new FakeClock();
  const gone: Waiter[] = [];
  const all = { timeoutMs: 70, total: 100, signal: undefined, trace: undefined, canServe: true, ...options };
  const waiter = new Waiter({ path, clock, waitReason, gaveUp: (each) => void gone.push(each) }, all);
  return { waiter, clock, gone };
}

describe('a waiter', () => {
  it('fails when its time is over, and names the whole time and the reason of the wait', async () => {
    const { waiter, clock, gone } = wait();
    clock.pass(69);
    expect(gone).toEqual([]);
    clock.pass(1);
    expect(gone).toEqual([waiter]);
    await expect(waiter.outcome).rejects.toMatchObject({
      code: 'ERR_SOCKREF_TIMEOUT',
      path,
      timeoutMs: 100,
      waitingFor: 'a test',
      message: expect.stringContaining('100 ms'),
    });
  });

  it.each([
    [
      'that runs',
      undefined,
      /; it runs, and is busy or cannot accept another connection; wait longer, or look at what it does$/,
    ],
    ['that is another process than the owner', '1', /; its state cannot be seen from here; look at it where it runs, /],
  ])('fails with the pid of an owner that does not answer, and what is known of it: %s', async (_, start, says) => {
    const { pid } = process;
    const { waiter, clock } = wait({}, { waitingFor: 'an answer', pid, start });
    clock.pass(100);
    const failure = { code: 'ERR_SOCKREF_OWNER_UNRESPONSIVE', pid, message: expect.stringMatching(says) };
    await expect(waiter.outcome).rejects.toMatchObject(failure);
    await expect(waiter.outcome).rejects.not.toMatchObject({ message: expect.stringContaining('kill') });
  });

  it('fails when its signal aborts', async () => {
    const abort = new AbortController();
    const { waiter, gone } = wait({ signal: abort.signal });
    abort.abort('why');
    expect(gone).toEqual([waiter]);
    await expect(waiter.outcome).rejects.toMatchObject({ name: 'AbortError', cause: 'why' });
  });

  it.each(['resolve', 'reject', 'timeout', 'abort'])('leaves no timer and no listener: %s', async (how) => {
    const abort = new AbortController();
    const { waiter, clock, gone } = wait({ signal: abort.signal });
    waiter.outcome.catch(() => {});
    if (how === 'resolve') waiter.resolve('start-over');
    if (how === 'reject') waiter.reject(new Error('no'));
    if (how === 'timeout') clock.pass(100);
    if (how === 'abort') abort.abort();
    expect(clock.timers).toBe(0);
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
    const before = gone.length;
    abort.abort();
    clock.pass(1000);
    expect(gone).toHaveLength(before);
  });
});
