import { expect, it } from 'vitest';
import { defects, judged } from '../../bench/lib/targets.mjs';

const target = (id: string, of: 'floor' | 'peer', value: number) =>
  judged({ id, says: `${id} of the ${of}`, value, limit: 1, must: 'at most', of, kind: 'ratio' });

const row = (...targets: ReturnType<typeof target>[]) => [
  { id: 'row', title: '', words: '', groups: [{ name: '', unit: 'ms', figures: [], targets }] },
];

it('counts a ratio as a defect if it is a factor beyond its limit and beyond the recorded one', () => {
  expect(defects(row(target('a', 'floor', 2.9)), [])).toEqual([]);
  expect(defects(row(target('a', 'floor', 3.1)), [])).toEqual(['row: a of the floor: 3.10 (limit 1)']);
  expect(defects(row(target('a', 'floor', 3.1)), row(target('a', 'floor', 2)))).toEqual([]);
});

it('uses the floor where both are compared: a peer may be faster because the machine has other work', () => {
  expect(defects(row(target('a', 'floor', 1), target('b', 'peer', 9)), [])).toEqual([]);
  expect(defects(row(target('a', 'floor', 4), target('b', 'peer', 9)), [])).toHaveLength(2);
  expect(defects(row(target('b', 'peer', 9)), [])).toHaveLength(1);
});
