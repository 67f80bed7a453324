import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SocketReferenceError } from 'sockref';
import { afterEach, describe, expect, it } from 'vitest';
import type { SocketInfo } from '#src/api/info.js';
import { listSockets } from '#src/api/listing.js';
import { deferred } from '#src/deferred.js';
import { withDirectory } from '../helpers/directory.js';

const info = (path: string): SocketInfo => ({
  path,
  state: 'active',
  owner: undefined,
  server: undefined,
  references: 1,
  members: [],
  moreMembers: 0,
  since: undefined,
});

/** With empty files of these names, which are removed after the test. */
function withFiles(names: readonly string[], test: (directory: string) => Promise<void>): Promise<void> {
  return withDirectory(async (directory) => {
    for (const name of names) writeFileSync(join(directory, name), '');
    await test(directory);
    for (const name of names) rmSync(join(directory, name));
  });
}

describe('a list of sockets', () => {
  it('has each socket with a lock file, by name, and no other file', () =>
    withFiles(['b.lock', 'a.lock', 'c', 'd.ctl', '.lock', 'e.lock~'], async (directory) => {
      const found = await listSockets(directory, async (path) => info(path));
      expect(found.map(({ path }) => path)).toEqual([join(directory, 'a'), join(directory, 'b')]);
    }));

  it('leaves out sockets that are gone by then, and files that only look like ours', () => {
    const codes = ['ERR_SOCKREF_ADDRESS_IN_USE', 'ERR_SOCKREF_PATH_TOO_LONG', 'ERR_SOCKREF_INVALID_PATH'] as const;
    return withFiles(['0.lock', '1.lock', '2.lock', '3.lock', '4.lock'], async (directory) => {
      const found = await listSockets(directory, async (path) => {
        const code = codes[Number(path.at(-1))];
        if (code) throw new SocketReferenceError(code, 'not ours');
        return path.endsWith('3') ? undefined : info(path);
      });
      expect(found.map(({ path }) => path)).toEqual([join(directory, '4')]);
    });
  });

  it.each([
    ['of ours', new SocketReferenceError('ERR_SOCKREF_PERMISSION_DENIED', 'no')],
    ['of any other code', new Error('no')],
  ])('fails by any other error %s', (_, error) =>
    withFiles(['a.lock'], async (directory) => {
      await expect(listSockets(directory, () => Promise.reject(error))).rejects.toBe(error);
    }),
  );

  it('asks 16 owners at once, and the others when those have answered', () => {
    const names = Array.from({ length: 20 }, (_, index) => `${String(index).padStart(2, '0')}.lock`);
    return withFiles(names, async (directory) => {
      const asked: string[] = [];
      const go = deferred<void>();
      const listed = listSockets(directory, async (path) => {
        asked.push(path);
        await go.promise;
        return info(path);
      });
      expect(asked).toHaveLength(16);
      go.resolve();
      expect(await listed).toHaveLength(20);
    });
  });

  it('fails for a missing directory, and for a file that is not a directory', () =>
    withFiles(['file'], async (directory) => {
      const missing = listSockets(join(directory, 'none'), async (path) => info(path));
      await expect(missing).rejects.toMatchObject({ code: 'ERR_SOCKREF_DIRECTORY_NOT_FOUND' });
      const none = listSockets(join(directory, 'file'), async (path) => info(path));
      await expect(none).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_SOCKREF_/) });
    }));
});

describe('a list of the default directory', () => {
  afterEach(() => {
    delete process.env['SOCKREF_DIR'];
  });

  it('is empty as long as the directory does not exist, and does not create it', () =>
    withDirectory(async (directory) => {
      process.env['SOCKREF_DIR'] = join(directory, 'none');
      expect(await listSockets(undefined, async (path) => info(path))).toEqual([]);
    }));

  it('has the sockets in it', () =>
    withDirectory(async (directory) => {
      const place = join(directory, 'sockets');
      mkdirSync(place, { mode: 0o700 });
      writeFileSync(join(place, 'a.lock'), '');
      process.env['SOCKREF_DIR'] = place;
      expect(await listSockets(undefined, async (path) => info(path))).toMatchObject([{ path: join(place, 'a') }]);
      rmSync(place, { recursive: true });
    }));
});
