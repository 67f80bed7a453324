import { expect, test } from 'vitest';
import { survives } from '../helpers/crash-lab.js';

test('a process that is killed at any system call leaks nothing, and does not stop other processes', async () => {
  const { phases } = await survives('crash', { points: 25 }, 20);
  expect(phases.filter(({ tried }) => tried === 0)).toEqual([]);
});
