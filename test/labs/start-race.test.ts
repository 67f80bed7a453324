import { expect, test } from 'vitest';
import { runLab } from '../helpers/lab.js';

interface Figures {
  readonly recipe: string;
  readonly rounds: number;
  readonly otherThanOneServer: number;
  readonly notAllConnectedToIt: number;
  readonly leftovers: number;
}

test('8 processes that meet a stale socket end with one server, and all are connected to it', async () => {
  const { ok, problems, figures } = await runLab<Figures[]>('start-race', { rounds: 12, commands: 4 });
  expect(problems).toEqual([]);
  expect(ok).toBe(true);
  expect(figures[0]).toMatchObject({
    recipe: 'sockref',
    rounds: 12,
    otherThanOneServer: 0,
    notAllConnectedToIt: 0,
    leftovers: 0,
  });
  expect(figures[1]).toMatchObject({
    recipe: 'sockref, a command',
    rounds: 4,
    otherThanOneServer: 0,
    notAllConnectedToIt: 0,
    leftovers: 0,
  });
  // The others are for comparison. We promise nothing about their results.
  expect(figures.map(({ recipe }) => recipe)).toEqual([
    'sockref',
    'sockref, a command',
    'naive',
    'proper-lockfile',
    'proper-lockfile, stale lock',
  ]);
});
