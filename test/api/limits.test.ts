import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { SocketManager, type SocketReference } from 'sockref';
import { describe, expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { greet, greeting } from '../helpers/serve.js';
import { until } from '../helpers/until.js';

/** The error of a limit that is reached. */
function exceeded(limit: string, max: number) {
  return {
    code: 'ERR_SOCKREF_LIMIT_EXCEEDED',
    limit,
    max,
    message: expect.stringMatching(new RegExp(`${limit}.*(release|close|raise|reached)`)),
  };
}

describe('maxSockets', () => {
  it('counts sockets, not references, and is free again after their end', () =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager({ limits: { maxSockets: 2 } });
      const [a, b] = [
        await manager.acquire(`${directory}/a`, { serve: greet }),
        await manager.acquire(`${directory}/b`, { serve: greet }),
      ];
      const before = manager.stats();
      const refused = manager.acquire(`${directory}/c`, { serve: greet });
      await expect(refused).rejects.toMatchObject({ ...exceeded('maxSockets', 2), path: `${directory}/c` });
      expect(manager.stats()).toEqual(before);
      expect(readdirSync(directory).filter((name) => name.startsWith('c'))).toEqual([]);

      const more = await manager.acquire(`${directory}/a`, { serve: greet });
      expect(more.referenceCount).toBe(2);
      await b.close();
      const c = await manager.acquire(`${directory}/c`, { serve: greet });
      await Promise.all([a, more, c].map((each) => each.close()));
    }));

  it('counts sockets that are starting, and frees them when they fail', () =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager({ limits: { maxSockets: 1 } });
      const first = manager.acquire(`${directory}/a`);
      await expect(manager.acquire(`${directory}/b`, { serve: greet })).rejects.toMatchObject(
        exceeded('maxSockets', 1),
      );
      await expect(first).rejects.toMatchObject({ code: 'ERR_SOCKREF_NOT_SERVED' });
      await (await manager.acquire(`${directory}/b`, { serve: greet })).close();
    }));
});

describe('maxReferencesPerSocket', () => {
  it('refuses one more reference by acquire, clone and getExisting, and changes no count', () =>
    withDirectory(async (directory) => {
      const path = `${directory}/a`;
      await using manager = new SocketManager({ limits: { maxReferencesPerSocket: 3 } });
      const first = await manager.acquire(path, { serve: greet });
      const others = [first.clone(), manager.getExisting(path) as SocketReference];
      const refused = { ...exceeded('maxReferencesPerSocket', 3), path };
      for (let round = 0; round < 3; round++) {
        await expect(manager.acquire(path)).rejects.toMatchObject(refused);
        expect(() => first.clone()).toThrow(expect.objectContaining(refused));
        expect(() => manager.getExisting(path)).toThrow(expect.objectContaining(refused));
        expect(first.referenceCount).toBe(3);
        expect(manager.referenceCount(path)).toBe(3);
      }
      await others[0]?.close();
      others[0] = first.clone();
      expect(first.referenceCount).toBe(3);
      await Promise.all([first, ...others].map((each) => each.close()));
    }));

  it('refuses the surplus of many simultaneous acquires', () =>
    withDirectory(async (directory) => {
      const path = `${directory}/a`;
      await using manager = new SocketManager({ limits: { maxReferencesPerSocket: 3 } });
      const all = await Promise.allSettled(Array.from({ length: 5 }, () => manager.acquire(path, { serve: greet })));
      const given = all.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      const refused = all.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
      expect(given.map((each) => each.referenceCount)).toEqual([3, 3, 3]);
      for (const error of refused) expect(error).toMatchObject(exceeded('maxReferencesPerSocket', 3));
      await Promise.all(given.map((each) => each.close()));
    }));

  it('of the owner applies to its members, too', () =>
    withDirectory(async (directory) => {
      const path = `${directory}/a`;
      await using owner = new SocketManager({ limits: { maxReferencesPerSocket: 3 } });
      await using member = new SocketManager();
      const [own, other] = [await owner.acquire(path, { serve: greet }), await member.acquire(path)];
      const third = other.clone();
      expect(third.role).toBe('member');
      await until('the owner knows of three references', () => own.referenceCount === 3);
      await until('the member knows of three references', () => other.referenceCount === 3);
      const refused = exceeded('maxReferencesPerSocket', 3);
      expect(() => other.clone()).toThrow(expect.objectContaining(refused));
      expect(() => own.clone()).toThrow(expect.objectContaining(refused));
      await using late = new SocketManager();
      await expect(late.acquire(path)).rejects.toMatchObject({ ...refused, path });
      expect([own.referenceCount, other.referenceCount]).toEqual([3, 3]);
      await Promise.all([own, other, third].map((each) => each.close()));
    }));
});

describe('maxMembersPerSocket', () => {
  it('refuses one more member, which may attach when another one has left', () =>
    withDirectory(async (directory) => {
      const path = `${directory}/a`;
      await using owner = new SocketManager({ limits: { maxMembersPerSocket: 1 } });
      await using first = new SocketManager();
      await using second = new SocketManager();
      const own = await owner.acquire(path, { serve: greet });
      const member = await first.acquire(path);
      expect(member.referenceCount).toBe(2);
      const refused = { ...exceeded('maxMembersPerSocket', 1), path };
      await expect(second.acquire(path)).rejects.toMatchObject(refused);
      await expect(second.acquire(path, { serve: greet })).rejects.toMatchObject(refused);
      expect(own.referenceCount).toBe(2);
      expect(second.activeSocketCount).toBe(0);
      // The limit does not concern further references of an attached member.
      await first.acquire(path).then((more) => more.close());
      await member.close();
      const next = await second.acquire(path);
      expect(next.referenceCount).toBe(2);
      await next.close();
      await own.close();
    }));
});

describe('maxConnectionsPerSocket', () => {
  it('closes one more connection at once, and changes no count', () =>
    withDirectory(async (directory) => {
      const path = `${directory}/a`;
      await using manager = new SocketManager({ limits: { maxConnectionsPerSocket: 2 } });
      const served: Socket[] = [];
      const reference = await manager.acquire(path, {
        serve: (socket) => {
          served.push(socket);
          socket.write(greeting);
        },
      });
      const clients = [connect(path), connect(path)];
      await Promise.all(clients.map((client) => once(client, 'data')));
      const third = connect(path);
      const received: Buffer[] = [];
      third.on('data', (chunk: Buffer) => received.push(chunk)).on('error', () => {});
      await once(third, 'close');
      expect(received).toEqual([]);
      expect(served.length).toBe(2);
      expect(manager.stats().connections).toEqual({ open: 2, accepted: 2, dropped: 1, failed: 0 });
      expect(reference.referenceCount).toBe(1);

      clients[0]?.destroy();
      await once(served[0] as Socket, 'close');
      const fourth = connect(path);
      expect(String((await once(fourth, 'data'))[0])).toBe(greeting);
      for (const client of [...clients, fourth]) client.destroy();
      await reference.close();
    }));
});

describe('maxPendingAcquires', () => {
  it('refuses one more acquire that would have to wait, and none that need not wait', () =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager({ limits: { maxPendingAcquires: 2 } });
      const active = await manager.acquire(`${directory}/active`, { serve: greet });
      const waiting = [
        manager.acquire(`${directory}/a`, { serve: greet }),
        manager.acquire(`${directory}/a`, { serve: greet }),
      ];
      expect(manager.stats().pendingAcquires).toBe(2);
      const refused = manager.acquire(`${directory}/a`, { serve: greet });
      const shared = manager.acquire(`${directory}/active`);
      await expect(refused).rejects.toMatchObject({ ...exceeded('maxPendingAcquires', 2), path: `${directory}/a` });
      expect((await shared).referenceCount).toBe(2);
      const references = await Promise.all(waiting);
      expect(references.map((each) => each.referenceCount)).toEqual([2, 2]);
      expect(manager.stats().pendingAcquires).toBe(0);
      for (const each of [active, await shared, ...references]) await each.close();
    }));

  it('is free again after an error', () =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager({ limits: { maxPendingAcquires: 1 } });
      for (let round = 0; round < 3; round++) {
        await expect(manager.acquire(`${directory}/a`)).rejects.toMatchObject({ code: 'ERR_SOCKREF_NOT_SERVED' });
        await expect(manager.acquire('../a')).rejects.toMatchObject({ code: 'ERR_SOCKREF_INVALID_PATH' });
        const signal = AbortSignal.abort();
        await expect(manager.acquire(`${directory}/a`, { signal })).rejects.toMatchObject({ name: 'AbortError' });
      }
      expect(manager.stats().pendingAcquires).toBe(0);
      await (await manager.acquire(`${directory}/a`, { serve: greet })).close();
    }));
});

describe('cleanupConcurrency', () => {
  it('limits how many clean-ups begin at once, and all finish', () =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager({ limits: { cleanupConcurrency: 2 } });
      for (let index = 0; index < 8; index++) await manager.acquire(`${directory}/${index}`, { serve: greet });
      const done = manager.cleanupAllSockets();
      expect(manager.activeSocketCount).toBe(0);
      expect(manager.stats().cleanUps).toEqual({ running: 2, queued: 6 });
      await done;
      expect(readdirSync(directory)).toEqual([]);
    }));
});

describe('allowedDirectories', () => {
  it('allows a directory and all below it, by any path, and nothing else', () =>
    withDirectory(async (directory) => {
      for (const name of ['in', 'in/deep', 'in2', 'out']) mkdirSync(`${directory}/${name}`, { mode: 0o700 });
      symlinkSync('in', `${directory}/link`);
      symlinkSync('../out', `${directory}/in/escape`);
      await using manager = new SocketManager({ allowedDirectories: [`${directory}/link`, '/none'] });
      for (const path of ['in/a', 'in/deep/a', 'link/a', 'in/./deep//a']) {
        await (await manager.acquire(`${directory}/${path}`, { serve: greet })).close();
      }
      for (const path of ['a', 'out/a', 'in2/a', 'in/escape/a']) {
        const refused = { code: 'ERR_SOCKREF_INVALID_PATH', reason: 'not-allowed' };
        await expect(manager.acquire(`${directory}/${path}`, { serve: greet })).rejects.toMatchObject(refused);
        await expect(manager.inspect(`${directory}/${path}`)).rejects.toMatchObject(refused);
      }
      for (const name of readdirSync(directory)) rmSync(`${directory}/${name}`, { recursive: true });
    }));
});
