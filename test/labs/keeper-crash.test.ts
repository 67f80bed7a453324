import { test } from 'vitest';
import { survives } from '../helpers/crash-lab.js';
import { rounds } from '../helpers/nightly.js';

test('a keeper, or who has it started, that is killed at any system call leaves no file and no process, and stops nobody', async () => {
  // As many phases, drawn anew each time: those of one run are enough to see that the lab works, those of many find what is wrong.
  const points = rounds(6, 28);
  await survives('keeper-crash', { points }, points / 2);
});
