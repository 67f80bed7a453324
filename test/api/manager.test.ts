import { mkdirSync, rmdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { acquire, SocketManager } from 'sockref';
import { afterEach, describe, expect, it } from 'vitest';
import { withDirectories, withDirectory } from '../helpers/directory.js';
import { start } from '../helpers/program.js';
import { secondCopy } from '../helpers/second-copy.js';
import { greet, greeting } from '../helpers/serve.js';

describe('the default manager', () => {
  afterEach(() => SocketManager.default.close());

  it('is shared by all copies of the package in a thread', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'a.sock');
      const copy = await secondCopy();
      expect(copy.SocketManager).not.toBe(SocketManager);
      expect(copy.SocketManager.default).toBe(SocketManager.default);
      const references = [await acquire(path, { serve: greet }), await copy.acquire(path)];
      expect(references.map((each) => each.referenceCount)).toEqual([2, 2]);
      expect(references.map((each) => each.role)).toEqual(['owner', 'owner']);
      for (const each of references) await each.close();
    }));

  it('is a new one after it was closed', async () => {
    const before = SocketManager.default;
    expect(SocketManager.default).toBe(before);
    await before.close();
    const after = SocketManager.default;
    expect(after).not.toBe(before);
    expect(after.closed).toBe(false);
    const copy = await secondCopy();
    expect(copy.SocketManager.default).toBe(after);
  });

  it('is not listed among the globals', () => {
    expect(SocketManager.default).toBeInstanceOf(SocketManager);
    const shown = Object.getOwnPropertySymbols(globalThis).filter((key) =>
      Object.prototype.propertyIsEnumerable.call(globalThis, key),
    );
    expect(shown.map(String).filter((key) => key.includes('sockref'))).toEqual([]);
  });
});

describe('a manager that was closed', () => {
  it('has ended its references, and refuses further acquires', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'a.sock');
      const manager = new SocketManager();
      const reference = await manager.acquire(path, { serve: greet });
      const waiting = manager.acquire(`${path}-2`, { serve: greet });
      const refused = expect(waiting).rejects.toMatchObject({ code: 'ERR_SOCKREF_CLOSED' });
      const closing = manager.close();
      expect(manager.close()).toBe(closing);
      expect(reference.isActive).toBe(false);
      await expect(manager.acquire(path, { serve: greet })).rejects.toMatchObject({ code: 'ERR_SOCKREF_CLOSED' });
      await Promise.all([closing, refused]);
      expect(manager.getExisting(path)).toBeUndefined();
    }));

  it('does not give out what was acquired during a stop', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'a.sock');
      const manager = new SocketManager();
      const reference = await manager.acquire(path, { serve: greet });
      const stopping = reference.close();
      const refused = expect(manager.acquire(path, { serve: greet })).rejects.toMatchObject({
        code: 'ERR_SOCKREF_CLOSED',
      });
      await manager.close();
      await Promise.all([stopping, refused]);
    }));
});

describe('queries', () => {
  it('inspect names the holders of a socket, and is undefined for a missing one', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'a.sock');
      await using manager = new SocketManager();
      expect(await manager.inspect(path)).toBeUndefined();
      expect(await manager.inspect(join(directory, 'no', 'such.sock'))).toBeUndefined();
      const before = Date.now();
      const references = [await manager.acquire(path, { serve: greet, label: 'tester' }), await manager.acquire(path)];
      const info = await manager.inspect(path);
      expect(info).toMatchObject({
        path,
        state: 'active',
        references: 2,
        owner: { pid: process.pid, label: 'tester', references: 2, canServe: true },
        members: [],
        moreMembers: 0,
      });
      expect(info?.since).toBeGreaterThanOrEqual(before);
      expect(info?.since).toBeLessThanOrEqual(Date.now());
      for (const each of references) await each.close();
      expect(await manager.inspect(path)).toBeUndefined();
    }));

  it('list names the sockets of a directory, including those of dead owners', () =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager();
      expect(await manager.list(directory)).toEqual([]);
      const dead = await start('ending.mjs', { args: [join(directory, 'dead.sock'), 'wait'] });
      await dead.line();
      dead.kill();
      await dead.exited;
      for (const name of ['b.sock', 'a.sock']) await manager.acquire(join(directory, name), { serve: greet });
      const found = await manager.list(directory);
      expect(found.map(({ path, state }) => [basename(path), state])).toEqual([
        ['a.sock', 'active'],
        ['b.sock', 'active'],
        ['dead.sock', 'stale'],
        ['dead.sock-3', 'stale'],
      ]);
      expect(found[2]).toMatchObject({ owner: { pid: dead.pid }, references: undefined });
      for (const name of ['dead.sock', 'dead.sock-3']) {
        await (await manager.acquire(join(directory, name), { serve: greet })).close();
      }
      await expect(manager.list(join(directory, 'none'))).rejects.toMatchObject({
        code: 'ERR_SOCKREF_DIRECTORY_NOT_FOUND',
      });
    }));

  it('stats say what there is and what was done', () =>
    withDirectory(async (directory) => {
      const manager = new SocketManager();
      const path = join(directory, 'a.sock');
      const references = await Promise.all([1, 2].map(() => manager.acquire(path, { serve: (socket) => void socket })));
      const client = await references[0]?.connect();
      await manager.inspect(path);
      expect(manager.stats()).toEqual({
        activeSockets: 1,
        references: 2,
        pendingAcquires: 0,
        cleanUps: { running: 0, queued: 0 },
        connections: { open: 1, accepted: 1, dropped: 0, failed: 0 },
        started: 1,
        stopped: 0,
        acquired: 2,
        released: 0,
        failovers: 0,
        lost: 0,
        healed: 0,
        reclaimed: 0,
        leaked: 0,
        faults: 0,
      });
      client?.destroy();
      await manager.close();
      expect(manager.stats()).toMatchObject({ activeSockets: 0, references: 0, stopped: 1, released: 0 });
    }));
});

describe('allowedDirectories', () => {
  it('allows them and all below them, after resolving links', () =>
    withDirectories(2, async (allowed, other) => {
      const below = join(allowed, 'below');
      const link = join(other as string, 'link');
      const outside = join(allowed, 'outside');
      mkdirSync(below, { mode: 0o700 });
      symlinkSync(allowed, link);
      symlinkSync(other as string, outside);
      await using manager = new SocketManager({ allowedDirectories: [link, '/no/such/directory'] });
      for (const directory of [allowed, below, link, join(link, 'below')]) {
        await (await manager.acquire(join(directory, 'a.sock'), { serve: greet })).close();
      }
      for (const directory of [other as string, outside, `${allowed}/..`, '/tmp']) {
        await expect(manager.acquire(`${directory}/a.sock`, { serve: greet })).rejects.toMatchObject({
          code: 'ERR_SOCKREF_INVALID_PATH',
        });
      }
      await expect(manager.inspect(join(outside, 'a.sock'))).rejects.toMatchObject({ reason: 'not-allowed' });
      unlinkSync(link);
      unlinkSync(outside);
      rmdirSync(below);
    }));

  it('does not allow a directory whose name only begins the same', () =>
    withDirectory(async (directory) => {
      const [allowed, alike] = [join(directory, 'a'), join(directory, 'ab')];
      for (const each of [allowed, alike]) mkdirSync(each, { mode: 0o700 });
      await using manager = new SocketManager({ allowedDirectories: [allowed] });
      await expect(manager.acquire(join(alike, 'a.sock'), { serve: greet })).rejects.toMatchObject({
        reason: 'not-allowed',
        message: expect.stringContaining(allowed),
      });
      for (const each of [allowed, alike]) rmdirSync(each);
    }));
});

describe('elsewhere', () => {
  it('works after process.chdir, and when the directory was moved', () =>
    withDirectory(async (directory) => {
      const program = await start('moving.mjs', { args: [directory], cwd: directory });
      expect(await program.line()).toEqual({ afterChdir: greeting, afterMove: greeting, left: [] });
      expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
      rmdirSync(join(directory, 'moved'));
      rmdirSync(join(directory, 'elsewhere'));
    }));

  it('serves in a cluster worker, and only in one of them', () =>
    withDirectory(async (directory) => {
      const program = await start('clustered.mjs', { args: [join(directory, 'a.sock')] });
      const { primary, workers } = await program.line();
      expect(workers).toHaveLength(3);
      const [owner] = workers.filter((each: { role: string }) => each.role === 'owner');
      expect(workers.map((each: { role: string }) => each.role).sort()).toEqual(['member', 'member', 'owner']);
      // The owner answered each, not the primary and not the worker whose turn it was.
      for (const { answers } of workers) expect(answers).toEqual(new Array(4).fill(String(owner.pid)));
      expect(workers.map((each: { pid: number }) => each.pid)).not.toContain(primary);
      expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
    }));
});
