import { expect, test } from 'vitest';
import { runLab } from '../helpers/lab.js';

test('10 times `sockref run` at the same instant: one server, the status of each command, nothing left', async () => {
  const { ok, problems, figures } = await runLab<{ good: number }>('run-race', { rounds: 2 });
  expect(problems).toEqual([]);
  expect(figures.good).toBe(2);
  expect(ok).toBe(true);
});
