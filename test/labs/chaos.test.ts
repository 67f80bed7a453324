import { expect, test } from 'vitest';
import { runLab } from '../helpers/lab.js';

interface Figures {
  readonly seed: number;
  readonly rounds: number;
  readonly looks: number;
  readonly quietPoints: number;
  /** How often members more were told each count, while nothing else went on. */
  readonly told: number;
  readonly emptied: number;
  /** Calls of `sockref ls` and `sockref inspect`. */
  readonly called: number;
  /** Answers about holders that were judged. */
  readonly answers: number;
  readonly servers: number;
}

test('20 processes that are stopped and killed at random never break the rules, and everybody is told the truth of it', async () => {
  const { problems, figures } = await runLab<Figures>('chaos', { seconds: 5, actions: 100 });
  console.log(`chaos lab: --seed ${figures.seed} --rounds ${figures.rounds}`);
  expect(problems).toEqual([]);
  // It was looked at, while things moved and while they rested.
  expect(figures.looks).toBeGreaterThan(figures.rounds);
  expect(figures.quietPoints).toBe(figures.rounds * 3);
  expect(figures.told).toBe(figures.quietPoints);
  expect(figures.emptied).toBeGreaterThan(0);
  // Who holds what was asked, in both ways, and commands were run.
  expect(figures.called).toBeGreaterThan(0);
  expect(figures.answers).toBeGreaterThan(figures.called);
  expect(figures.servers).toBeGreaterThan(0);
});
