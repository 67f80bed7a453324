import { expect, it } from 'vitest';
import { endsByRounds } from '../../bench/lib/statistics.mjs';
import { table, verdict } from '../../bench/lib/table.mjs';
import { judged } from '../../bench/lib/targets.mjs';

const figure = (median: number, more: { ofPeer?: number; peerEnds?: { low: number; high: number } } = {}) => ({
  name: 'x',
  role: 'ours' as const,
  median,
  p99: 2 * median,
  samples: 1,
  best: median,
  ...more,
});

const lines = (...figures: ReturnType<typeof figure>[]) =>
  table({ name: '', unit: 'µs', figures, targets: [] }).split('\n').slice(2);

it('shows times in the unit in which they can be read', () => {
  expect(lines(figure(0.08), figure(7), figure(20_000))).toEqual([
    '| **x** | 80 ns | 160 ns |',
    '| **x** | 7 µs | 14 µs |',
    '| **x** | 20 ms | 40 ms |',
  ]);
});

it('shows both ends of the ratio to a peer that swings, and only of such a peer', () => {
  const [swings, holds] = lines(
    figure(1, { ofPeer: 1, peerEnds: { low: 0.5, high: 1.5 } }),
    figure(1, { ofPeer: 1, peerEnds: { low: 0.9, high: 1.5 } }),
  );
  expect(swings).toBe('| **x** | 1 µs | 2 µs | 1.00 (0.50 to 1.50) |');
  expect(holds).toBe('| **x** | 1 µs | 2 µs | 1.00 |');
});

it('takes the ends from the rounds, without the outermost ones', () => {
  const ours = Array.from({ length: 21 }, (_, round) => round);
  expect(
    endsByRounds(
      ours,
      ours.map(() => 1),
    ),
  ).toEqual({ low: 2, high: 18 });
});

it('says of a remark what was found, and nothing about a limit', () => {
  const flat = {
    id: 'flat',
    says: 'the last decade by the first',
    value: 1.25,
    limit: 1.3,
    must: 'at most',
    kind: 'ratio',
  } as const;
  expect(verdict(judged({ ...flat, remark: true }))).toBe('the last decade by the first: 1.25.');
  expect(verdict(judged(flat))).toBe('Target: the last decade by the first. Met: 1.25 (at most 1.30).');
});
