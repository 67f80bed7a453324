import { expect, it } from 'vitest';
import { redis } from './redis.mjs';

const { client, key } = redis();

it('counts', async () => {
  await Promise.all(Array.from({ length: 100 }, () => client.incr(key)));
  expect(await client.get(key)).toBe('100');
});
