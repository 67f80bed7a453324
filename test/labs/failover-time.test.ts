import { expect, test } from 'vitest';
import { runLab } from '../helpers/lab.js';

interface Figures {
  readonly members: number;
  readonly trials: number;
  readonly lost: number;
}

test('members outlive their owner with every reference, in any number', async () => {
  const { problems, figures } = await runLab<Figures[]>('failover-time', { trials: 3 });
  expect(problems).toEqual([]);
  expect(figures).toMatchObject([
    { members: 1, trials: 3, lost: 0 },
    { members: 10, trials: 3, lost: 0 },
    { members: 100, trials: 3, lost: 0 },
  ]);
});
