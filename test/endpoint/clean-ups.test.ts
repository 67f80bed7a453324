import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { deferred } from '#src/deferred.js';
import { CleanUps } from '#src/endpoint/clean-ups.js';

it('runs clean-ups at once up to the limit, and the rest in their order, so many in a turn', async () => {
  const queue = new CleanUps(2);
  const begun: number[] = [];
  const all = Array.from({ length: 5 }, (_, index) => queue.run(() => void begun.push(index)));
  expect(begun).toEqual([0, 1]);
  expect([queue.running, queue.queued]).toEqual([2, 3]);
  for (let turns = 0; turns < 10; turns++) {
    const before = begun.length;
    await turn();
    expect(begun.length - before).toBeLessThanOrEqual(2);
  }
  await Promise.all(all);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  expect([queue.running, queue.queued]).toEqual([0, 0]);
});

it('keeps the place of a slow clean-up for it', async () => {
  const queue = new CleanUps(1);
  const slow = deferred<void>();
  const first = queue.run(() => slow.promise);
  let begun = false;
  const second = queue.run(() => {
    begun = true;
  });
  for (let turns = 0; turns < 5; turns++) await turn();
  expect(begun).toBe(false);
  slow.resolve();
  await Promise.all([first, second]);
  expect(begun).toBe(true);
});

it('does not let a new clean-up overtake the waiting ones', async () => {
  const queue = new CleanUps(1);
  const order: string[] = [];
  const first = queue.run(() => void order.push('first'));
  const second = queue.run(() => void order.push('second'));
  await first;
  const third = queue.run(() => void order.push('third'));
  await Promise.all([second, third]);
  expect(order).toEqual(['first', 'second', 'third']);
});

it('rejects with the error of the work, and continues', async () => {
  const queue = new CleanUps(1);
  const failing = [
    queue.run(() => {
      throw new Error('at once');
    }),
    queue.run(() => Promise.reject(new Error('later'))),
  ];
  const results = await Promise.allSettled(failing);
  expect(results.map((each) => (each.status === 'rejected' ? each.reason.message : 'resolved'))).toEqual([
    'at once',
    'later',
  ]);
  await queue.run(() => {});
});
