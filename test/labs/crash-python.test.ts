import { expect, test } from 'vitest';
import { runLab } from '../helpers/lab.js';

interface Figures {
  readonly seed: number;
  readonly total: Readonly<Record<string, number>>;
  readonly phases: readonly { readonly calls: number }[];
}

const castings = [
  { python: 1, points: 8, words: 'a process of Python' },
  { python: 2, points: 5, words: 'a process of Node among those of Python' },
];

test.each(castings)('$words that is killed at any system call leaks nothing, and stops nobody', async (casting) => {
  const { python, points } = casting;
  const { problems, figures } = await runLab<Figures>('crash', { python, points });
  console.log(`crash lab: --python ${python} --points ${points} --seed ${figures.seed}`);
  expect(problems).toEqual([]);
  expect(figures.total).toMatchObject({ leaks: 0, stuck: 0, counts: 0, lost: 0 });
  expect(figures.phases.filter(({ calls }) => calls === 0)).toEqual([]);
  expect(figures.total['tried']).toBeGreaterThanOrEqual(points - 2);
});
