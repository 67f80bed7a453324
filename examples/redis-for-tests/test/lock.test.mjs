import { expect, it } from 'vitest';
import { redis } from './redis.mjs';

const { client, key } = redis();

it('lets one in', async () => {
  const tries = await Promise.all(['a', 'b', 'c'].map((who) => client.set(key, who, { condition: 'NX' })));
  expect(tries.filter((answer) => answer === 'OK')).toHaveLength(1);
});
