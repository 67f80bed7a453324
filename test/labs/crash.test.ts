import { expect, test } from 'vitest';
import { runLab } from '../helpers/lab.js';

interface Line {
  readonly calls: number;
  readonly tried: number;
  readonly leaks: number;
  readonly stuck: number;
  readonly counts: number;
  readonly lost: number;
}

test('a process that is killed at any system call leaks nothing, and stops nobody', async () => {
  const { problems, figures } = await runLab<{ seed: number; total: Line; phases: (Line & { phase: string })[] }>(
    'crash',
    { points: 25 },
  );
  console.log(`crash lab: --points 25 --seed ${figures.seed}`);
  expect(problems).toEqual([]);
  expect(figures.total).toMatchObject({ leaks: 0, stuck: 0, counts: 0, lost: 0 });
  // The points are there, and processes died at them: otherwise nothing was shown.
  expect(figures.phases.filter(({ calls }) => calls === 0)).toEqual([]);
  expect(figures.phases.filter(({ tried }) => tried === 0)).toEqual([]);
  expect(figures.total.tried).toBeGreaterThanOrEqual(20);
});
