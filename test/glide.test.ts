import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SocketManager } from 'sockref';
import {
  CleanupAllSockets,
  ForceCleanupSocket,
  GetActiveSocketCount,
  IsSocketActive,
  SetConnectionHandler,
  SocketReference,
  StartSocketConnection,
  StartSocketConnectionWithReference,
} from 'sockref/glide';
import { afterEach, describe, expect, it } from 'vitest';
import { withDirectory } from './helpers/directory.js';
import { start } from './helpers/program.js';
import { greet, greeting, readAll } from './helpers/serve.js';
import { until } from './helpers/until.js';

/** Runs a test with its own default directory, in which sockets without a path are made. */
function withDefaultDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  return withDirectory(async (directory) => {
    process.env['SOCKREF_DIR'] = directory;
    try {
      SetConnectionHandler(greet);
      await test(directory);
    } finally {
      await SocketManager.default.cleanupAllSockets();
      delete process.env['SOCKREF_DIR'];
    }
  });
}

afterEach(() => SocketManager.default.close());

it('cannot serve before a handler is set', () =>
  withDirectory(async (directory) => {
    const program = await start('glide-without-handler.mjs', { env: { SOCKREF_DIR: directory } });
    expect(await program.line()).toEqual({
      withoutPath: 'ERR_SOCKREF_NOT_SERVED',
      started: 'ERR_SOCKREF_NOT_SERVED',
      withPath: 'ERR_SOCKREF_NOT_SERVED',
    });
    await program.exited;
  }));

describe('StartSocketConnection', () => {
  it('starts a new socket that stays up until it is cleaned up', () =>
    withDefaultDirectory(async (directory) => {
      const paths = [await StartSocketConnection(), await StartSocketConnection()];
      expect(new Set(paths).size).toBe(2);
      for (const path of paths) {
        expect(path).toMatch(new RegExp(`^${directory}/[0-9a-f]{32}\\.sock$`));
        expect(IsSocketActive(path)).toBe(true);
      }
      expect(GetActiveSocketCount()).toBe(2);
      // There is no handle that could be dropped.
      for (let turns = 0; turns < 10; turns++) {
        globalThis.gc?.();
        await new Promise(setImmediate);
      }
      expect(GetActiveSocketCount()).toBe(2);
      using reference = await StartSocketConnectionWithReference(paths[0]);
      expect(reference.referenceCount).toBe(2);
      expect(await readAll(await reference.connect())).toBe(greeting);
    }));
});

describe('StartSocketConnectionWithReference', () => {
  it('makes a socket at the given path, and counts', () =>
    withDefaultDirectory(async (directory) => {
      const path = join(directory, 'named.sock');
      const first = await StartSocketConnectionWithReference(path);
      expect(first).toBeInstanceOf(SocketReference);
      expect(first).toMatchObject({ path, isActive: true, referenceCount: 1 });
      const second = await StartSocketConnectionWithReference(path);
      expect([first.referenceCount, second.referenceCount, GetActiveSocketCount()]).toEqual([2, 2, 1]);
      await first.close();
      await first.close();
      expect([first.isActive, first.referenceCount, second.referenceCount]).toEqual([false, 0, 1]);
      await second.close();
      expect(IsSocketActive(path)).toBe(false);
      expect(existsSync(path)).toBe(false);
    }));

  it('makes a new socket each time without a path', () =>
    withDefaultDirectory(async () => {
      const references = await Promise.all([1, 2, 3].map(() => StartSocketConnectionWithReference()));
      expect(new Set(references.map((each) => each.path)).size).toBe(3);
      expect(GetActiveSocketCount()).toBe(3);
      await Promise.all(references.map((each) => each.close()));
      expect(GetActiveSocketCount()).toBe(0);
    }));

  it('rejects a path that breaks a rule', () =>
    withDefaultDirectory(async () => {
      for (const path of ['', ' ', 'a/b.sock', '/tmp/../b.sock', 'a\0b']) {
        await expect(StartSocketConnectionWithReference(path)).rejects.toMatchObject({
          code: 'ERR_SOCKREF_INVALID_PATH',
        });
      }
    }));
});

describe('IsSocketActive', () => {
  it('is false for any other string', () =>
    withDefaultDirectory(async () => {
      for (const path of ['', ' ', '..', 'a/b', '/no/such.sock', '\0', 'x'.repeat(5000)]) {
        expect(IsSocketActive(path)).toBe(false);
      }
    }));
});

describe('ForceCleanupSocket', () => {
  it('ends one socket at once, and nothing for any other string', () =>
    withDefaultDirectory(async () => {
      const [kept, path] = [await StartSocketConnection(), await StartSocketConnection()];
      const reference = await StartSocketConnectionWithReference(path);
      for (const other of ['', '/no/such.sock', '\0']) expect(ForceCleanupSocket(other)).toBeUndefined();
      expect(GetActiveSocketCount()).toBe(2);
      expect(ForceCleanupSocket(path as string)).toBeUndefined();
      expect(reference).toMatchObject({ path, isActive: false, referenceCount: 0 });
      expect(IsSocketActive(path as string)).toBe(false);
      expect(existsSync(path as string)).toBe(false);
      expect(IsSocketActive(kept as string)).toBe(true);
      const again = await StartSocketConnectionWithReference(path);
      await reference.close();
      expect(again).toMatchObject({ isActive: true, referenceCount: 1 });
      await again.close();
    }));
});

describe('CleanupAllSockets', () => {
  it('ends all at once', () =>
    withDefaultDirectory(async (directory) => {
      const paths = [await StartSocketConnection(), await StartSocketConnection()];
      const reference = await StartSocketConnectionWithReference();
      expect(CleanupAllSockets()).toBeUndefined();
      expect(GetActiveSocketCount()).toBe(0);
      expect(reference.isActive).toBe(false);
      for (const path of [...paths, reference.path]) expect(existsSync(path)).toBe(false);
      await until('the directory is empty', () => readdirSync(directory).length === 0);
      const fresh = await StartSocketConnection();
      expect(IsSocketActive(fresh)).toBe(true);
    }));
});
