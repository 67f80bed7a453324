import { test } from 'vitest';
import { survives } from '../helpers/crash-lab.js';
import { rounds } from '../helpers/nightly.js';

test('a keeper or its starter that is killed at any system call leaves no file and no process, and does not stop others', async () => {
  // A few random phases in each run: one run shows that the lab works, many runs find what is wrong.
  const points = rounds(6, 28);
  await survives('keeper-crash', { points }, points / 2);
});
