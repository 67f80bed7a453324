import { test } from 'vitest';
import { survives } from '../helpers/crash-lab.js';

const castings = [
  ['a process of Python', 1, 6],
  ['a process of Node among those of Python', 2, 4],
] as const;

test.each(castings)('%s that is killed at any system call does not stop other processes', async (_, python, points) => {
  await survives('crash', { python, points }, points - 2);
});
