import { expect, it } from 'vitest';
import { redis } from './redis.mjs';

const { client, key } = redis();

it('gives back in the order in which it was given', async () => {
  await client.rPush(key, ['apple', 'pear', 'plum']);
  expect(await client.lPop(key)).toBe('apple');
  expect(await client.lRange(key, 0, -1)).toEqual(['pear', 'plum']);
});
