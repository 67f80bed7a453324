import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { SocketManager } from 'sockref';
import { expect, test } from 'vitest';
import { withDirectory } from '../helpers/directory.js';

const serve = (): void => {};

test('a successor whose last reference goes waits for members that cannot serve', async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/a.sock`;
    const [first, second, third] = [new SocketManager(), new SocketManager(), new SocketManager()];
    await first.acquire(path, { serve });
    const heir = await second.acquire(path, { serve });
    const dependent = await third.acquire(path);
    let closing: Promise<void> | undefined;
    // In the very moment in which it takes over, when nobody else can be attached yet.
    second.once('failover', () => {
      closing = heir.close();
    });
    const followed = once(third, 'failover');
    await first.cleanupAllSockets();
    await followed;
    expect(dependent.isActive).toBe(true);
    expect(dependent.role).toBe('member');
    expect(dependent.referenceCount).toBe(1);
    await closing;
    expect(readdirSync(directory)).not.toEqual([]);
    await dependent.close();
    expect(readdirSync(directory)).toEqual([]);
  });
});

test('a successor waits for nobody if all the others can serve, or if those who cannot have left', async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/a.sock`;
    const [first, second, third] = [new SocketManager(), new SocketManager(), new SocketManager()];
    await first.acquire(path, { serve });
    const heir = await second.acquire(path, { serve });
    const dependent = await third.acquire(path);
    await dependent.close();
    const tookOver = once(second, 'failover');
    await first.cleanupAllSockets();
    await tookOver;
    await heir.close();
    expect(readdirSync(directory)).toEqual([]);
  });
});
