import { expect, it } from 'vitest';
import { redis } from './redis.mjs';

const { client, key } = redis();

it('tells those who listen', async () => {
  const listener = client.duplicate();
  await listener.connect();
  const heard = new Promise(
    (resolve) => void listener.subscribe(key, resolve).then(() => client.publish(key, 'hello')),
  );
  expect(await heard).toBe('hello');
  await listener.close();
});
