import { existsSync } from 'node:fs';
import { symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type AcquireOptions, SocketManager, type SocketReference, SocketReferenceError } from 'sockref';
import { describe, expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { withSocket } from '../helpers/socket.js';

const serve = (): void => {};

const closeAll = (references: readonly SocketReference[]) => Promise.all(references.map((each) => each.close()));

describe('counting', () => {
  it('starts with one reference to an active socket that accepts connections', () =>
    withSocket(async (path, manager) => {
      const reference = await manager.acquire(path, { serve: (socket) => socket.end() });
      expect(reference).toMatchObject({ path, isActive: true, referenceCount: 1, role: 'owner' });
      expect(manager.isSocketActive(path)).toBe(true);
      expect(manager.referenceCount(path)).toBe(1);
      expect(manager.activeSocketCount).toBe(1);
      expect(existsSync(path)).toBe(true);
      (await reference.connect()).destroy();
      await reference.close();
      expect(reference).toMatchObject({ path, isActive: false, referenceCount: 0 });
      expect(existsSync(path)).toBe(false);
    }));

  it('gives each of 1000 handles the same number, at every step', () =>
    withSocket(async (path, manager) => {
      const references: SocketReference[] = [];
      for (let count = 1; count <= 1000; count++) {
        references.push(await manager.acquire(path, { serve }));
        expect(references[0]?.referenceCount).toBe(count);
        expect(references[count - 1]?.referenceCount).toBe(count);
      }
      expect(new Set(references.map((each) => each.referenceCount))).toEqual(new Set([1000]));
      await closeAll(references);
      expect(existsSync(path)).toBe(false);
    }));

  it('answers 500 simultaneous acquires with one server, and skips no value', () =>
    withSocket(async (path, manager) => {
      const told: number[] = [];
      manager.on('acquired', ({ references }) => told.push(references));
      let served = 0;
      const acquires = Array.from({ length: 500 }, () =>
        manager.acquire(path, {
          serve: (socket) => {
            served++;
            socket.end();
          },
        }),
      );
      const references = await Promise.all(acquires);
      expect(new Set(references.map((each) => each.referenceCount))).toEqual(new Set([500]));
      expect(told).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
      expect(manager.stats()).toMatchObject({ started: 1, acquired: 500, references: 500, activeSockets: 1 });
      (await references[250]?.connect())?.destroy();
      expect(served).toBe(1);

      const released: number[] = [];
      manager.on('released', (event) => released.push(event.references));
      await closeAll(references);
      expect(released).toEqual(Array.from({ length: 500 }, (_, index) => 499 - index));
      expect(manager.stats()).toMatchObject({ started: 1, stopped: 1, released: 500, references: 0, activeSockets: 0 });
      expect(existsSync(path)).toBe(false);
    }));

  it('adds one by clone, and subtracts one by close, even after several calls', () =>
    withSocket(async (path, manager) => {
      const first = await manager.acquire(path, { serve });
      const second = first.clone();
      const third = second.clone();
      expect(first.referenceCount).toBe(3);
      await Promise.all([second.close(), second.close()]);
      await second.close();
      expect(first.referenceCount).toBe(2);
      await third.close();
      expect(first.referenceCount).toBe(1);
      expect(() => third.clone()).toThrow(expect.objectContaining({ code: 'ERR_SOCKREF_CLOSED' }));
      expect(first.referenceCount).toBe(1);
      await first.close();
    }));

  it.each([
    ['first', [0, 1, 2]],
    ['last', [2, 1, 0]],
    ['middle', [1, 2, 0]],
  ])('does not care about the order of closing: the %s one first', (_, order) =>
    withSocket(async (path, manager) => {
      const first = await manager.acquire(path, { serve });
      const references = [first, first.clone(), await manager.acquire(path)];
      for (const [closed, index] of order.entries()) {
        expect(manager.referenceCount(path)).toBe(3 - closed);
        expect(existsSync(path)).toBe(true);
        await references[index]?.close();
      }
      expect(existsSync(path)).toBe(false);
    }),
  );

  it('counts each path separately, and sockets, not references', () =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager();
      const paths = ['a', 'b', 'c'].map((name) => join(directory, `${name}.sock`));
      const references = await Promise.all(
        paths.flatMap((path, index) => Array.from({ length: index + 1 }, () => manager.acquire(path, { serve }))),
      );
      expect(paths.map((path) => manager.referenceCount(path))).toEqual([1, 2, 3]);
      expect(manager.activeSocketCount).toBe(3);
      await references[0]?.close();
      expect(paths.map((path) => manager.referenceCount(path))).toEqual([0, 2, 3]);
      expect(manager.activeSocketCount).toBe(2);
      await closeAll(references);
      expect(manager.activeSocketCount).toBe(0);
    }));

  it('is not changed by queries', () =>
    withSocket(async (path, manager) => {
      const reference = await manager.acquire(path, { serve });
      for (let round = 0; round < 3; round++) {
        manager.isSocketActive(path);
        manager.isSocketActive('/no/such/socket');
        manager.referenceCount(path);
        manager.stats();
        await manager.inspect(path);
        await manager.list(join(path, '..'));
        expect(reference.referenceCount).toBe(1);
        expect(manager.activeSocketCount).toBe(1);
      }
      expect(manager.stats()).toMatchObject({ acquired: 1, released: 0, started: 1 });
    }));

  it('treats other spellings of one path as one socket', () =>
    withSocket(async (path, manager) => {
      const link = `${path}-link`;
      await symlink(join(path, '..'), link);
      const first = await manager.acquire(path, { serve });
      const second = await manager.acquire(path.replace('/a.sock', '//./a.sock'), { serve });
      const third = await manager.acquire(join(link, 'a.sock'));
      const fourth = manager.getExisting(join(link, 'a.sock'));
      expect([second.path, third.path, fourth?.path]).toEqual([path, path, path]);
      expect(first.referenceCount).toBe(4);
      expect(manager.referenceCount(join(link, 'a.sock'))).toBe(4);
      expect(manager.activeSocketCount).toBe(1);
      await unlink(link);
    }));

  it('gives an existing reference at once, and undefined where no socket is active', () =>
    withSocket(async (path, manager) => {
      expect(manager.getExisting(path)).toBeUndefined();
      const acquiring = manager.acquire(path, { serve });
      expect(manager.getExisting(path)).toBeUndefined();
      const first = await acquiring;
      const second = manager.getExisting(path);
      expect(second).toMatchObject({ path, isActive: true, referenceCount: 2 });
      await first.close();
      expect(second?.isActive).toBe(true);
      const closing = second?.close();
      expect(manager.getExisting(path)).toBeUndefined();
      await closing;
      expect(manager.getExisting(path)).toBeUndefined();
    }));
});

describe('a refused acquire', () => {
  it.each([
    ['an option of the wrong type', { lingerMs: -1 }, 'ERR_SOCKREF_INVALID_OPTION'],
    ['an unknown option', { servve: serve }, 'ERR_SOCKREF_INVALID_OPTION'],
  ])('leaves the counts as they were: %s', (_, options, code) =>
    withSocket(async (path, manager) => {
      const reference = await manager.acquire(path, { serve });
      await expect(manager.acquire(path, options as AcquireOptions)).rejects.toMatchObject({ code });
      expect(reference.referenceCount).toBe(1);
      expect(manager.stats()).toMatchObject({ acquired: 1, pendingAcquires: 0, activeSockets: 1 });
    }),
  );

  it('changes no count at the limit of references', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'a.sock');
      await using manager = new SocketManager({ limits: { maxReferencesPerSocket: 3 } });
      const acquired = await Promise.allSettled(Array.from({ length: 5 }, () => manager.acquire(path, { serve })));
      const given = acquired.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      const refused = acquired.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
      expect(given).toHaveLength(3);
      for (const error of refused) {
        expect(error).toMatchObject({
          code: 'ERR_SOCKREF_LIMIT_EXCEEDED',
          limit: 'maxReferencesPerSocket',
          max: 3,
          path,
        });
      }
      const [first] = given;
      expect(() => first?.clone()).toThrow(SocketReferenceError);
      expect(() => manager.getExisting(path)).toThrow(SocketReferenceError);
      await expect(manager.acquire(path)).rejects.toThrow(SocketReferenceError);
      expect(first?.referenceCount).toBe(3);
      await given[1]?.close();
      const again = first?.clone();
      expect(again?.referenceCount).toBe(3);
      await closeAll([...given, ...(again ? [again] : [])]);
    }));

  it('changes no count at the limit of sockets, and of waiting acquires', () =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager({ limits: { maxSockets: 1, maxPendingAcquires: 2 } });
      const [a, b] = [join(directory, 'a.sock'), join(directory, 'b.sock')];
      const waiting = [manager.acquire(a, { serve }), manager.acquire(a, { serve })];
      await expect(manager.acquire(a, { serve })).rejects.toMatchObject({ limit: 'maxPendingAcquires', max: 2 });
      const references = await Promise.all(waiting);
      await expect(manager.acquire(b, { serve })).rejects.toMatchObject({ limit: 'maxSockets', max: 1 });
      expect(manager.referenceCount(a)).toBe(2);
      expect(manager.activeSocketCount).toBe(1);
      await closeAll(references);
      await (await manager.acquire(b, { serve })).close();
    }));

  it('leaves nothing behind if it would have been the first', () =>
    withSocket(async (path, manager) => {
      await expect(manager.acquire(path)).rejects.toMatchObject({ code: 'ERR_SOCKREF_NOT_SERVED', path });
      await expect(manager.acquire(`${path}/b.sock`, { serve })).rejects.toMatchObject({
        code: 'ERR_SOCKREF_DIRECTORY_NOT_FOUND',
      });
      expect(manager.stats()).toMatchObject({ acquired: 0, pendingAcquires: 0, activeSockets: 0 });
      await (await manager.acquire(path, { serve })).close();
    }));

  it('does not affect one that can serve and began at the same time', () =>
    withSocket(async (path, manager) => {
      const joins = manager.acquire(path);
      const serves = manager.acquire(path, { serve });
      const references = await Promise.all([joins, serves]);
      expect(references.map((each) => each.referenceCount)).toEqual([2, 2]);
      await closeAll(references);
    }));
});
