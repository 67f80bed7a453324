import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import type { SocketReference } from 'sockref';
import { describe, expect, it } from 'vitest';
import { greet } from '../helpers/serve.js';
import { withSocket, works } from '../helpers/socket.js';

describe('the file', () => {
  it('exists from the first reference to the last, like the files beside it', () =>
    withSocket(async (path, manager) => {
      const files = () => readdirSync(dirname(path)).sort();
      const first = await manager.acquire(path, { serve: greet });
      expect(files()).toEqual(['a.sock', 'a.sock.ctl', 'a.sock.lock']);
      const second = await manager.acquire(path);
      await first.close();
      expect(files()).toEqual(['a.sock', 'a.sock.ctl', 'a.sock.lock']);
      await works(second);
      await second.close();
      expect(files()).toEqual([]);
    }));

  it('comes back in a second cycle, as another file', () =>
    withSocket(async (path, manager) => {
      const births: bigint[] = [];
      for (let cycle = 0; cycle < 3; cycle++) {
        const reference = await manager.acquire(path, { serve: greet });
        births.push(statSync(path, { bigint: true }).birthtimeNs);
        await works(reference);
        await reference.close();
        expect(existsSync(path)).toBe(false);
      }
      expect(new Set(births).size).toBe(3);
    }));
});

describe('an acquire during the stop of the same path', () => {
  it('gives a fresh socket that works', () =>
    withSocket(async (path, manager) => {
      const first = await manager.acquire(path, { serve: greet });
      const stopping = first.close();
      const second = await manager.acquire(path, { serve: greet });
      expect(second).toMatchObject({ isActive: true, referenceCount: 1, role: 'owner' });
      expect(first.isActive).toBe(false);
      await works(second);
      await stopping;
      await works(second);
      expect(manager.stats()).toMatchObject({ started: 2, stopped: 1 });
    }));

  it('waits for connections to drain, and gives 20 callers one new socket', () =>
    withSocket(async (path, manager) => {
      const sockets: Socket[] = [];
      const first = await manager.acquire(path, { serve: (socket) => void sockets.push(socket.resume()) });
      const client = await first.connect();
      const stopping = first.close();
      const acquires = Array.from({ length: 20 }, () => manager.acquire(path, { serve: greet }));
      client.end();
      await stopping;
      const references = await Promise.all(acquires);
      expect(references.map((each) => each.referenceCount)).toEqual(new Array(20).fill(20));
      await works(references[19] as SocketReference);
      expect(manager.stats()).toMatchObject({ started: 2, stopped: 1 });
    }));

  it('says what it waited for when its time is over', () =>
    withSocket(async (path, manager) => {
      const first = await manager.acquire(path, { serve: (socket) => void socket.resume() });
      const client = await first.connect();
      const stopping = first.close();
      await expect(manager.acquire(path, { serve: greet, timeoutMs: 1 })).rejects.toMatchObject({
        code: 'ERR_SOCKREF_TIMEOUT',
        timeoutMs: 1,
        waitingFor: expect.stringContaining('the previous server to stop'),
      });
      client.destroy();
      await stopping;
    }));
});

describe('linger', () => {
  it('keeps the socket up, and ends after its time', () =>
    withSocket(async (path, manager) => {
      const stopped = once(manager, 'stopped');
      const first = await manager.acquire(path, { serve: greet, lingerMs: 20 });
      await first.close();
      expect(first.isActive).toBe(false);
      expect(manager.referenceCount(path)).toBe(0);
      await stopped;
      expect(readdirSync(dirname(path))).toEqual([]);
    }));

  it('ends when a process acquires', () =>
    withSocket(async (path, manager) => {
      const first = await manager.acquire(path, { serve: greet, lingerMs: 60_000 });
      await first.close();
      expect(existsSync(path)).toBe(true);
      expect(await manager.inspect(path)).toMatchObject({ state: 'lingering', references: 0 });
      const second = await manager.acquire(path);
      expect(second.referenceCount).toBe(1);
      await works(second);
      const third = manager.getExisting(path);
      await second.close();
      await third?.close();
      expect(manager.stats()).toMatchObject({ started: 1, stopped: 0 });
      await manager.forceCleanupSocket(path);
      expect(existsSync(path)).toBe(false);
    }));
});
