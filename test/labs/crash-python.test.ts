import { expect, test } from 'vitest';
import { runLab } from '../helpers/lab.js';

interface Figures {
  readonly seed: number;
  readonly total: Readonly<Record<string, number>>;
  readonly phases: readonly { readonly calls: number }[];
}

const castings = [
  ['a process of Python', 1, 6],
  ['a process of Node among those of Python', 2, 4],
] as const;

test.each(castings)('%s that is killed at any system call stops nobody', async (_, python, points) => {
  const { problems, figures } = await runLab<Figures>('crash', { python, points });
  console.log(`crash lab: --python ${python} --points ${points} --seed ${figures.seed}`);
  expect(problems).toEqual([]);
  expect(figures.total).toMatchObject({ leaks: 0, stuck: 0, counts: 0, lost: 0 });
  expect(figures.phases.filter(({ calls }) => calls === 0)).toEqual([]);
  expect(figures.total['tried']).toBeGreaterThanOrEqual(points - 2);
});
