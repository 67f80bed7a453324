import { expect, it } from 'vitest';
import { randomDigits, randomName } from '#src/files/random.js';

it('gives names of 16 digits, and none twice', () => {
  const names = Array.from({ length: 1_000 }, randomName);
  expect(new Set(names).size).toBe(1_000);
  for (const name of names) expect(name).toMatch(/^[0-9a-f]{16}$/);
});

it('gives as many digits as asked for', () => {
  const [first, second] = [randomDigits(32), randomDigits(32)];
  expect(first).toMatch(/^[0-9a-f]{32}$/);
  expect(second).not.toBe(first);
});
