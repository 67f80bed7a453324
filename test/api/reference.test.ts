import { once } from 'node:events';
import { existsSync, readdirSync, unlinkSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { SocketManager, type SocketReference } from 'sockref';
import { describe, expect, it } from 'vitest';
import { Directory } from '#src/files/directory.js';
import { LockFile } from '#src/files/lock-file.js';
import { endpointNames } from '#src/files/place.js';
import { withDirectory } from '../helpers/directory.js';
import { start } from '../helpers/program.js';
import { greet, greeting, readAll } from '../helpers/serve.js';

function withReference(
  test: (reference: SocketReference, manager: SocketManager, path: string) => Promise<void>,
): Promise<void> {
  return withDirectory(async (directory) => {
    const path = join(directory, 'a.sock');
    await using manager = new SocketManager();
    await test(await manager.acquire(path, { serve: greet }), manager, path);
  });
}

describe('signal', () => {
  it('aborts when the reference is closed, and is the same each time', () =>
    withReference(async (reference, manager, path) => {
      const other = reference.clone();
      const { signal } = reference;
      expect(reference.signal).toBe(signal);
      expect(signal.aborted).toBe(false);
      const aborted = once(signal, 'abort');
      await reference.close();
      await aborted;
      expect(signal.reason).toMatchObject({ code: 'ERR_SOCKREF_CLOSED', reason: 'closed', path });
      expect(other.signal.aborted).toBe(false);
      expect(manager.referenceCount(path)).toBe(1);
    }));

  it('is aborted from the start if it is requested too late', () =>
    withReference(async (reference, manager) => {
      const other = reference.clone();
      await other.close();
      expect(other.signal.reason).toMatchObject({ code: 'ERR_SOCKREF_CLOSED', reason: 'closed' });
      await manager.cleanupAllSockets();
      expect(reference.signal.reason).toMatchObject({ code: 'ERR_SOCKREF_CLOSED', reason: 'cleaned-up' });
    }));

  it('calls a listener even if no variable keeps the signal', () =>
    withReference(async (reference) => {
      let told = 0;
      reference.signal.addEventListener('abort', () => told++);
      for (let turns = 0; turns < 10; turns++) {
        await turn();
        globalThis.gc?.();
      }
      await reference.close();
      expect(told).toBe(1);
    }));
});

describe('using', () => {
  it('releases at the end of the block', () =>
    withReference(async (reference, manager, path) => {
      {
        using existing = manager.getExisting(path);
        expect(existing?.referenceCount).toBe(2);
      }
      expect(reference.referenceCount).toBe(1);
    }));

  it('waits for the end of the socket with await', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'a.sock');
      const manager = new SocketManager();
      {
        await using reference = await manager.acquire(path, { serve: greet });
        expect(reference.isActive).toBe(true);
      }
      expect(existsSync(`${path}.lock`)).toBe(false);
    }));

  it('closes a manager with await', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'a.sock');
      let closed: SocketManager;
      {
        await using manager = new SocketManager();
        closed = manager;
        await manager.acquire(path, { serve: greet });
      }
      expect(closed.closed).toBe(true);
      expect(existsSync(`${path}.lock`)).toBe(false);
      await expect(closed.acquire(path, { serve: greet })).rejects.toMatchObject({ code: 'ERR_SOCKREF_CLOSED' });
    }));
});

describe('connect', () => {
  it('connects at each call', () =>
    withReference(async (reference, manager) => {
      const answers = await Promise.all(Array.from({ length: 50 }, async () => readAll(await reference.connect())));
      expect(answers).toEqual(new Array(50).fill(greeting));
      expect(manager.stats().connections).toMatchObject({ accepted: 50, dropped: 0, failed: 0 });
    }));

  it('fails on a closed reference, and when it is closed meanwhile', () =>
    withReference(async (reference, _, path) => {
      const other = reference.clone();
      await other.close();
      await expect(other.connect()).rejects.toMatchObject({ code: 'ERR_SOCKREF_CLOSED', path });
      // The file is gone in the tick in which the last reference is closed, during the attempt.
      const connecting = reference.connect({ timeoutMs: 3_600_000 }).then(
        (socket) => socket.destroy(),
        (error: unknown) => expect(error).toMatchObject({ code: 'ERR_SOCKREF_CLOSED', path }),
      );
      await Promise.all([connecting, reference.close()]);
    }));

  it('rejects with an AbortError', () =>
    withReference(async (reference) => {
      await expect(reference.connect({ signal: AbortSignal.abort('why') })).rejects.toMatchObject({
        name: 'AbortError',
        cause: 'why',
      });
      const abort = new AbortController();
      const connecting = reference.connect({ signal: abort.signal });
      abort.abort();
      await expect(connecting).rejects.toMatchObject({ name: 'AbortError' });
    }));

  it('checks its options, and makes the owner repair a removed file', () =>
    withReference(async (reference, _, path) => {
      await expect(reference.connect({ timeoutMs: 0 })).rejects.toMatchObject({ code: 'ERR_SOCKREF_INVALID_OPTION' });
      await expect(reference.connect({ timeout: 1 } as object)).rejects.toMatchObject({
        code: 'ERR_SOCKREF_INVALID_OPTION',
        option: 'timeout',
      });
      (await reference.connect({ timeoutMs: 5 })).destroy();
      await unlink(path);
      (await reference.connect()).destroy();
    }));
});

describe('while the socket has no owner', () => {
  /** Takes the place of the owner without serving. The references then wait for a new owner. */
  async function depose(manager: SocketManager, path: string): Promise<LockFile> {
    const stopped = once(manager, 'stopped');
    const directory = Directory.open(dirname(path));
    // In one tick, or the owner would repair it first.
    unlinkSync(`${path}.lock`);
    const attempt = LockFile.attempt({ directory, names: endpointNames(basename(path)), path }, true);
    directory.release();
    if (attempt.kind !== 'held') throw new Error(`the lock is ${attempt.kind}`);
    await stopped;
    return attempt.lock;
  }

  function giveUp(lock: LockFile): void {
    lock.remove();
    lock.release();
  }

  it('connect waits, at most its time, and continues with the next owner', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'a.sock');
      await using manager = new SocketManager({ healIntervalMs: 5 });
      const reference = await manager.acquire(path, { serve: greet });
      const lock = await depose(manager, path);
      expect(reference).toMatchObject({ isActive: true, referenceCount: 1, role: 'member' });
      await expect(reference.connect({ timeoutMs: 5 })).rejects.toMatchObject({
        code: 'ERR_SOCKREF_TIMEOUT',
        timeoutMs: 5,
        path,
      });
      const abort = new AbortController();
      const aborted = expect(reference.connect({ signal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' });
      abort.abort();
      await aborted;
      const other = reference.clone();
      const closed = expect(other.connect()).rejects.toMatchObject({ code: 'ERR_SOCKREF_CLOSED' });
      await turn();
      await other.close();
      await closed;
      const connecting = reference.connect();
      giveUp(lock);
      expect(await readAll(await connecting)).toBe(greeting);
      expect(reference.role).toBe('owner');
    }));

  it('the references are lost when no owner appears in time, and say why', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'a.sock');
      await using manager = new SocketManager({ healIntervalMs: 5 });
      const reference = await manager.acquire(path, { serve: greet, failoverTimeoutMs: 30 });
      const lost = once(manager, 'lost');
      const lock = await depose(manager, path);
      const connecting = expect(reference.connect()).rejects.toMatchObject({ code: 'ERR_SOCKREF_OWNER_LOST', path });
      const [event] = await lost;
      expect(event).toMatchObject({ path, references: 0, reason: { code: 'ERR_SOCKREF_OWNER_LOST', timeoutMs: 30 } });
      await connecting;
      expect(reference).toMatchObject({ isActive: false, referenceCount: 0 });
      expect(reference.signal.reason).toBe(event.reason);
      giveUp(lock);
      // The deposed owner removed its own files.
      expect(readdirSync(directory)).toEqual([]);
    }));
});

describe('acquire with a signal', () => {
  it('rejects with an AbortError whose cause is the reason, and takes no reference', () =>
    withReference(async (reference, manager, path) => {
      await expect(manager.acquire(path, { signal: AbortSignal.abort('why') })).rejects.toMatchObject({
        name: 'AbortError',
        cause: 'why',
      });
      expect(reference.referenceCount).toBe(1);
      const abort = new AbortController();
      const other = `${path}-other`;
      const acquiring = manager.acquire(other, { serve: greet, signal: abort.signal });
      abort.abort();
      await expect(acquiring).rejects.toMatchObject({ name: 'AbortError' });
      expect(manager.isSocketActive(other)).toBe(false);
      await (await manager.acquire(other, { serve: greet })).close();
    }));

  it('does not affect a reference that was given out', () =>
    withReference(async (_, manager, path) => {
      const abort = new AbortController();
      const reference = await manager.acquire(path, { signal: abort.signal });
      abort.abort();
      expect(reference.isActive).toBe(true);
      expect(reference.signal.aborted).toBe(false);
    }));

  it('does not affect other acquires that wait for the same socket', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'a.sock');
      await using manager = new SocketManager();
      const abort = new AbortController();
      const first = manager.acquire(path, { serve: greet, signal: abort.signal });
      const second = manager.acquire(path, { serve: greet });
      abort.abort();
      await expect(first).rejects.toMatchObject({ name: 'AbortError' });
      expect((await second).referenceCount).toBe(1);
    }));
});

describe('the process', () => {
  it.each([
    // The listener keeps an owner's process, unless every reference is unref'ed.
    ['by-role', [], false],
    ['unref', ['unref'], true],
    ['unref of one of two', ['unref', 'none'], false],
    ['unref of both', ['unref', 'unref'], true],
    ['unref, then ref', ['unref', 'ref'], false],
  ])('is kept or let go: %s', (_, calls, ends) =>
    withDirectory(async (directory) => {
      const program = await start('kept.mjs', { args: [join(directory, 'a.sock'), ...calls] });
      expect(await program.line()).toEqual({ kept: !ends });
      expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
    }),
  );
});
