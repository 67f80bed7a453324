import { expect, it } from 'vitest';
import { KeeperDeaths } from '#src/ownership/keeper-deaths.js';

it('counts keepers that die soon after their server was up', () => {
  const deaths = new KeeperDeaths();
  const counts = [1_000, 12_000, 23_000].map((up) => {
    deaths.up(up);
    deaths.ownerLost(up + 9_999);
    return deaths.inRow;
  });
  expect(counts).toEqual([1, 2, 3]);
});

it('counts from zero after a keeper that lived for a while', () => {
  const deaths = new KeeperDeaths();
  for (const [up, lost] of [
    [0, 1],
    [10, 11],
    [20, 10_020],
  ] as const) {
    deaths.up(up);
    deaths.ownerLost(lost);
  }
  expect(deaths.inRow).toBe(0);
});

it('counts each death once, and no owner that another process started', () => {
  const deaths = new KeeperDeaths();
  deaths.ownerLost(0);
  expect(deaths.inRow).toBe(0);
  deaths.up(0);
  deaths.ownerLost(1);
  deaths.ownerLost(2);
  expect(deaths.inRow).toBe(1);
});
