import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Tally } from '#src/sharing/tally.js';

it('is the sum of its own and of all members', () => {
  const tally = new Tally<string>();
  expect(tally).toMatchObject({ own: 0, others: 0, total: 0, members: 0 });
  tally.own = 3;
  tally.set('a', 2);
  tally.set('b', 5);
  expect(tally).toMatchObject({ own: 3, others: 7, total: 10, members: 2 });
  tally.set('a', 4);
  expect([tally.of('a'), tally.of('b'), tally.of('c')]).toEqual([4, 5, 0]);
  expect(tally).toMatchObject({ others: 9, total: 12, members: 2 });
  tally.set('b', 0);
  tally.set('b', 0);
  tally.set('c', 0);
  expect(tally).toMatchObject({ others: 4, total: 7, members: 1 });
});

it('agrees with a sum from scratch after any sequence', () => {
  const step = fc.tuple(fc.constantFrom('own', 'a', 'b', 'c', 'd'), fc.nat(1000));
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const tally = new Tally<string>();
      const model = new Map<string, number>();
      for (const [key, references] of steps) {
        model.set(key, references);
        if (key === 'own') tally.own = references;
        else tally.set(key, references);
      }
      const own = model.get('own') ?? 0;
      model.delete('own');
      const held = [...model.values()].filter((each) => each > 0);
      const others = held.reduce((sum, each) => sum + each, 0);
      expect(tally).toMatchObject({ own, others, total: own + others, members: held.length });
    }),
  );
});
