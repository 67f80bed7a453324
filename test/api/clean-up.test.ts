import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SocketManager } from 'sockref';
import { describe, expect, it } from 'vitest';
import { greet } from '../helpers/serve.js';
import { withSocket, works } from '../helpers/socket.js';

describe.each([
  ['forceCleanupSocket', (manager: SocketManager, path: string) => manager.forceCleanupSocket(path)],
  ['cleanupAllSockets', (manager: SocketManager) => manager.cleanupAllSockets()],
])('%s', (name, cleanUp) => {
  it('takes effect at once, on exactly the named sockets', () =>
    withSocket(async (path, manager) => {
      const other = `${path}-other`;
      const references = [await manager.acquire(path, { serve: greet }), await manager.acquire(path)];
      const bystander = await manager.acquire(other, { serve: greet });
      const done = cleanUp(manager, path);
      expect(references.map((each) => each.isActive)).toEqual([false, false]);
      expect(references.map((each) => each.referenceCount)).toEqual([0, 0]);
      expect(references.map((each) => each.path)).toEqual([path, path]);
      expect(manager.isSocketActive(path)).toBe(false);
      expect(manager.referenceCount(path)).toBe(0);
      expect(manager.getExisting(path)).toBeUndefined();
      expect(existsSync(path)).toBe(false);
      const all = name === 'cleanupAllSockets';
      expect(bystander.isActive).toBe(!all);
      expect(existsSync(other)).toBe(!all);
      await done;
      expect(readdirSync(dirname(path)).filter((each) => !each.startsWith('a.sock-other'))).toEqual([]);
    }));

  it('aborts the signals, with the reason, and ends the handles', () =>
    withSocket(async (path, manager) => {
      const reference = await manager.acquire(path, { serve: greet });
      const aborted = once(reference.signal, 'abort');
      const done = cleanUp(manager, path);
      await aborted;
      expect(reference.signal.reason).toMatchObject({ code: 'ERR_SOCKREF_CLOSED', reason: 'cleaned-up', path });
      await expect(reference.connect()).rejects.toBe(reference.signal.reason);
      expect(() => reference.clone()).toThrow(reference.signal.reason as Error);
      await done;
      await reference.close();
      expect(manager.stats()).toMatchObject({ released: 0, references: 0 });
    }));

  it('leaves old handles that do not affect a successor', () =>
    withSocket(async (path, manager) => {
      const old = [await manager.acquire(path, { serve: greet }), await manager.acquire(path)];
      await cleanUp(manager, path);
      const successor = await manager.acquire(path, { serve: greet });
      for (const each of old) await each.close();
      expect(successor).toMatchObject({ isActive: true, referenceCount: 1 });
      await works(successor);
      await successor.close();
    }));

  it('ends acquires that are under way', () =>
    withSocket(async (path, manager) => {
      const acquiring = manager.acquire(path, { serve: greet });
      const refused = expect(acquiring).rejects.toMatchObject({ code: 'ERR_SOCKREF_CLOSED', reason: 'cleaned-up' });
      await cleanUp(manager, path);
      await refused;
      expect(manager.activeSocketCount).toBe(0);
      expect(readdirSync(dirname(path))).toEqual([]);
    }));
});

it('says whether there was anything to clean up', () =>
  withSocket(async (path, manager) => {
    expect(await manager.forceCleanupSocket(path)).toBe(false);
    expect(await manager.forceCleanupSocket('')).toBe(false);
    await manager.acquire(path, { serve: greet });
    expect(await manager.forceCleanupSocket(path)).toBe(true);
    expect(await manager.forceCleanupSocket(path)).toBe(false);
  }));
