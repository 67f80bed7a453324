import { expect, test } from 'vitest';
import { runLab } from '../helpers/lab.js';
import { rounds } from '../helpers/nightly.js';

interface Line {
  readonly calls: number;
  readonly tried: number;
  readonly leaks: number;
  readonly stuck: number;
  readonly counts: number;
  readonly lost: number;
  readonly servers: number;
}

test('a keeper, or who has it started, that is killed at any system call leaves no file and no process, and stops nobody', async () => {
  // As many phases, drawn anew each time: those of one run are enough to see that the lab works, those of many find what is wrong.
  const points = rounds(6, 28);
  const { problems, figures } = await runLab<{ seed: number; total: Line; phases: (Line & { phase: string })[] }>(
    'keeper-crash',
    { points },
  );
  console.log(`keeper-crash lab: --points ${points} --seed ${figures.seed}`);
  expect(problems).toEqual([]);
  expect(figures.total).toMatchObject({ leaks: 0, stuck: 0, counts: 0, lost: 0, servers: 0 });
  // The points are there, and processes died at them: otherwise nothing was shown.
  expect(figures.phases.filter(({ calls }) => calls === 0)).toEqual([]);
  expect(figures.total.tried).toBeGreaterThanOrEqual(points / 2);
});
