import { describe, expect, it } from 'vitest';
import { Restarts } from '#src/keeper/restarts.js';

describe('restarts', () => {
  it('follow after pauses that double, up to the longest', () => {
    const restarts = new Restarts(10);
    const pauses = Array.from({ length: 8 }, () => restarts.next());
    expect(pauses).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    expect(restarts).toMatchObject({ total: 8, inRow: 8, spent: false });
  });

  it('are limited in a row, and not in total', () => {
    const restarts = new Restarts(2);
    restarts.next();
    restarts.next();
    expect(restarts.spent).toBe(true);
    restarts.wasUp(9_999);
    expect(restarts.spent).toBe(true);
    restarts.wasUp(10_000);
    expect(restarts).toMatchObject({ total: 2, inRow: 0, spent: false });
    expect(restarts.next()).toBe(100);
    restarts.wasStable();
    expect(restarts).toMatchObject({ total: 3, inRow: 0 });
  });

  it('are not allowed if the limit is 0, and when another one would fail for the same reason', () => {
    expect(new Restarts(0).spent).toBe(true);
    const restarts = new Restarts(5);
    restarts.giveUp();
    expect(restarts).toMatchObject({ total: 0, spent: true });
  });
});
