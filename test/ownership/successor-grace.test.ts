import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { SocketManager } from 'sockref';
import { expect, test } from 'vitest';
import { withDirectory } from '../helpers/directory.js';

const serve = (): void => {};

test('a successor whose last reference is closed waits for members that cannot serve', async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/a.sock`;
    const [first, second, third] = [new SocketManager(), new SocketManager(), new SocketManager()];
    await first.acquire(path, { serve });
    const heir = await second.acquire(path, { serve });
    const dependent = await third.acquire(path);
    let closing: Promise<void> | undefined;
    // In the tick in which it takes over, when no member can be attached yet.
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

test('a successor does not wait if all other members can serve, or if those that cannot have left', async () => {
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
