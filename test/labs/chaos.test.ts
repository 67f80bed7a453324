import { expect, test } from 'vitest';
import { runLab } from '../helpers/lab.js';

interface Figures {
  readonly seed: number;
  readonly rounds: number;
  readonly looks: number;
  readonly quietPoints: number;
  /** How often members had to be told each count while nothing else happened. */
  readonly told: number;
  readonly emptied: number;
  /** Calls of `sockref ls` and `sockref inspect`. */
  readonly called: number;
  /** Answers about holders that were checked. */
  readonly answers: number;
  readonly servers: number;
}

test('20 processes that are stopped and killed at random never break the rules, and every answer about them is true', async () => {
  const { problems, figures } = await runLab<Figures>('chaos', { seconds: 5, actions: 100 });
  console.log(`chaos lab: --seed ${figures.seed} --rounds ${figures.rounds}`);
  expect(problems).toEqual([]);
  // The observer looked while processes worked and while they paused.
  expect(figures.looks).toBeGreaterThan(figures.rounds);
  expect(figures.quietPoints).toBe(figures.rounds * 3);
  expect(figures.told).toBe(figures.quietPoints);
  expect(figures.emptied).toBeGreaterThan(0);
  // It asked for the holders in both ways, and commands were run.
  expect(figures.called).toBeGreaterThan(0);
  expect(figures.answers).toBeGreaterThan(figures.called);
  expect(figures.servers).toBeGreaterThan(0);
});
