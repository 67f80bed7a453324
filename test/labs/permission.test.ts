import { expect, test } from 'vitest';
import { runLab } from '../helpers/lab.js';

interface Figures {
  /** Only root can become another user. */
  readonly supported: boolean;
  readonly recipes: readonly {
    readonly recipe: string;
    readonly denied: number;
    readonly connected: number;
    readonly around: number;
  }[];
}

test('no other user can connect while sockets are made and removed with umask 0', async () => {
  const { problems, figures } = await runLab<Figures>('permission', { cycles: 300 });
  expect(problems).toEqual([]);
  expect(figures.supported).toBe(process.getuid?.() === 0);
  for (const { recipe, denied, connected, around } of figures.recipes) {
    expect(denied).toBeGreaterThan(0);
    if (recipe === 'sockref') expect({ connected, around }).toEqual({ connected: 0, around: 0 });
    if (recipe === 'sockref, mode 0666') expect(connected).toBeGreaterThan(0);
  }
});
