import { expect, test } from 'vitest';
import { runLab } from '../helpers/lab.js';

interface Figures {
  readonly kills: number;
  readonly connections: number;
  readonly answered: number;
  readonly refused: number;
}

test('a server that inherits its socket is killed, and no client is refused', async () => {
  const { ok, problems, figures } = await runLab<Figures[]>('restart', { rounds: 1, kills: 2 });
  expect(problems).toEqual([]);
  expect(figures[0]).toMatchObject({ kills: 2, refused: 0 });
  expect(figures[0]?.answered).toBeGreaterThanOrEqual(600);
  expect(ok).toBe(true);
});
