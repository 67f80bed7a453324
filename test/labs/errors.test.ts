import { expect, it } from 'vitest';
import { runLab } from '../helpers/lab.js';

interface Line {
  readonly phase: string;
  readonly points: number;
  readonly tried: number;
}

interface Figures {
  readonly total: Line & Readonly<Record<'raw' | 'leaks' | 'stuck' | 'counts' | 'here' | 'elsewhere', number>>;
  readonly phases: readonly Line[];
}

// Always the same sample: a failure then comes from a change of the code, not from a new sample.
const samples: [
  subject: string,
  sample: { points: number; seed: number; python?: number; programs?: number; phase?: number },
][] = [
  ['the library', { points: 80, seed: 1 }],
  ['the package for Python', { points: 40, seed: 1, python: 1 }],
  // Every trial starts programs, so two phases are enough here: one starts a keeper, one joins.
  ['the keeper', { points: 6, seed: 1, programs: 1, phase: 3 }],
  ['the command line', { points: 6, seed: 1, programs: 1, phase: 2 }],
];

it.each(samples)('a system call that fails in %s is a typed error, and does no harm', async (_, sample) => {
  const { problems, figures } = await runLab<Figures>('errors', sample);
  expect(problems).toEqual([]);
  const { raw, leaks, stuck, counts, here, elsewhere, tried } = figures.total;
  const none = { raw: 0, leaks: 0, stuck: 0, counts: 0, here: 0, elsewhere: 0 };
  expect({ raw, leaks, stuck, counts, here, elsewhere }).toEqual(none);
  // The points exist, and calls failed at them: otherwise the test would prove nothing.
  expect(figures.phases.filter(({ points }) => points === 0)).toEqual([]);
  expect(tried).toBeGreaterThanOrEqual(sample.points);
});
