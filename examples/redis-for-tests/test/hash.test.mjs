import { expect, it } from 'vitest';
import { redis } from './redis.mjs';

const { client, key } = redis();

it('keeps fields', async () => {
  await client.hSet(key, { name: 'pear', colour: 'green' });
  expect({ ...(await client.hGetAll(key)) }).toEqual({ name: 'pear', colour: 'green' });
});
