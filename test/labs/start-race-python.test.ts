import { expect, test } from 'vitest';
import { runLab } from '../helpers/lab.js';

test('4 processes of Node and 4 of Python that meet a stale socket end with one server', async () => {
  const { problems, figures } = await runLab<object[]>('start-race', { rounds: 20, processes: 8, python: 4 });
  expect(problems).toEqual([]);
  expect(figures).toMatchObject([
    { recipe: 'sockref', rounds: 20, otherThanOneServer: 0, notAllConnectedToIt: 0, leftovers: 0 },
  ]);
});
