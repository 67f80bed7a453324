import { describe, expect, it } from 'vitest';
import { systemClock } from '#src/clock.js';
import { keeping } from './helpers/parts.js';

const long = 60_000;

describe('the clock of the machine', () => {
  it('never goes back', () => {
    const times = Array.from({ length: 1_000 }, () => systemClock.now());
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('calls once, and not before its time', async () => {
    const before = systemClock.now();
    await new Promise<void>((resolve) => systemClock.after(5, resolve));
    // Node's timers count in whole milliseconds of the loop, and may be up to one early.
    expect(systemClock.now() - before).toBeGreaterThanOrEqual(4);
  });

  it('does not call a cancelled timer, and accepts a late cancel', async () => {
    const called: string[] = [];
    const cancelled = systemClock.after(1, () => called.push('cancelled'));
    cancelled.cancel();
    const timer = await new Promise<{ cancel(): void }>((resolve) => {
      const other = systemClock.after(2, () => {
        called.push('other');
        resolve(other);
      });
    });
    timer.cancel();
    timer.cancel();
    expect(called).toEqual(['other']);
  });

  it('keeps the process alive for a timer, unless it is a background timer', () => {
    const before = keeping('Timeout');
    const timer = systemClock.after(long, () => {});
    expect(keeping('Timeout')).toBe(before + 1);
    timer.cancel();
    const background = systemClock.after(long, () => {}, true);
    expect(keeping('Timeout')).toBe(before);
    background.cancel();
  });
});
