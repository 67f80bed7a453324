import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { SocketManager } from 'sockref';
import { describe, expect, it } from 'vitest';
import { type Identity, identityOf } from '#src/files/identity.js';
import { freeName, reclaim } from '#src/files/leftovers.js';
import type { LockFile } from '#src/files/lock-file.js';
import type { Place } from '#src/files/place.js';
import type { RecordEntry } from '#src/files/record.js';
import { protocolVersion } from '#src/protocol/constants.js';
import { itAsRoot, otherUid, takeLock, thrownBy, withPlace } from '../helpers/place.js';
import { start } from '../helpers/program.js';
import { deadSocket, make, treeOf } from '../helpers/tree.js';

const identityAt = (path: string): Identity => identityOf(lstatSync(path, { bigint: true }));
const serve = (): void => {};

/** Runs a test with a lock whose record has these lines. */
function withRecord(
  entries: (place: Place) => Promise<RecordEntry[]>,
  test: (place: Place, lock: LockFile) => Promise<void> | void,
): Promise<void> {
  return withPlace(async (place) => {
    const lock = takeLock(place);
    lock.begin();
    for (const entry of await entries(place)) lock.append(entry);
    await test(place, lock);
    lock.remove();
  });
}

async function leaveSocket(path: string): Promise<RecordEntry> {
  await deadSocket(path);
  return { published: { name: path.slice(path.lastIndexOf('/') + 1), file: identityAt(path) } };
}

describe('reclaim', () => {
  it('removes what the record names and nothing else, and reports it', () =>
    withRecord(
      async ({ directory, path }) => {
        mkdirSync(directory.at('.sr-00000000000000aa'));
        await deadSocket(directory.at('.sr-00000000000000aa/0123456789abcdef'));
        mkdirSync(directory.at('.sr-00000000000000ff'));
        await deadSocket(`${path}.other`);
        writeFileSync(directory.at('file'), 'mine');
        return [
          { temporary: '.sr-00000000000000aa' },
          { temporary: '.sr-00000000000000bb' },
          await leaveSocket(`${path}.ctl`),
          await leaveSocket(path),
        ];
      },
      (place, lock) => {
        const { names, directory } = place;
        expect(reclaim(lock)).toEqual({
          pid: process.pid,
          names: [names.control, names.data, '.sr-00000000000000aa'],
        });
        expect(readdirSync(directory.path).sort()).toEqual(
          [names.lock, 'app.sock.other', 'file', '.sr-00000000000000ff'].sort(),
        );
        // The second time there is nothing to do.
        expect(reclaim(lock).names).toEqual([]);
        for (const name of ['app.sock.other', 'file', '.sr-00000000000000ff'])
          rmSync(directory.at(name), { recursive: true });
      },
    ));

  it('leaves another file that has a name in the record', () =>
    withRecord(
      async ({ path }) => {
        const entries = [await leaveSocket(`${path}.ctl`), await leaveSocket(path)];
        unlinkSync(path);
        unlinkSync(`${path}.ctl`);
        await deadSocket(path);
        writeFileSync(`${path}.ctl`, '');
        return entries;
      },
      (place, lock) => {
        const before = treeOf(place.directory.path);
        expect(reclaim(lock).names).toEqual([]);
        expect(treeOf(place.directory.path)).toEqual(before);
        unlinkSync(place.path);
        unlinkSync(`${place.path}.ctl`);
      },
    ));

  it('removes each socket of an owner that had to repair its files', () =>
    withRecord(
      async ({ path }) => {
        const first = await leaveSocket(path);
        unlinkSync(path);
        return [first, await leaveSocket(path)];
      },
      (place, lock) => {
        expect(reclaim(lock).names).toEqual([place.names.data]);
        expect(existsSync(place.path)).toBe(false);
      },
    ));

  it('leaves a file in the place of a private directory', () =>
    withRecord(
      async ({ directory }) => {
        writeFileSync(directory.at('.sr-00000000000000aa'), 'mine');
        mkdirSync(directory.at('target'));
        writeFileSync(directory.at('target/file'), 'mine');
        symlinkSync('target', directory.at('.sr-00000000000000bb'));
        return [{ temporary: '.sr-00000000000000aa' }, { temporary: '.sr-00000000000000bb' }];
      },
      ({ directory }, lock) => {
        const before = treeOf(directory.path);
        expect(reclaim(lock).names).toEqual([]);
        expect(treeOf(directory.path)).toEqual(before);
        for (const name of ['.sr-00000000000000aa', '.sr-00000000000000bb', 'target'])
          rmSync(directory.at(name), { recursive: true });
      },
    ));

  it('does not follow a link out of a private directory', () =>
    withRecord(
      async ({ directory }) => {
        mkdirSync(directory.at('target'));
        writeFileSync(directory.at('target/file'), 'mine');
        mkdirSync(directory.at('.sr-00000000000000aa'));
        symlinkSync('../target', directory.at('.sr-00000000000000aa/link'));
        return [{ temporary: '.sr-00000000000000aa' }];
      },
      ({ directory }, lock) => {
        expect(reclaim(lock).names).toEqual(['.sr-00000000000000aa']);
        expect(readFileSync(directory.at('target/file'), 'utf8')).toBe('mine');
        rmSync(directory.at('target'), { recursive: true });
      },
    ));

  itAsRoot('leaves a private directory of another user', () =>
    withRecord(
      async ({ directory }) => {
        mkdirSync(directory.at('.sr-00000000000000aa'));
        chownSync(directory.at('.sr-00000000000000aa'), otherUid, otherUid);
        return [{ temporary: '.sr-00000000000000aa' }];
      },
      ({ directory }, lock) => {
        expect(reclaim(lock).names).toEqual([]);
        rmSync(directory.at('.sr-00000000000000aa'), { recursive: true });
      },
    ),
  );

  it('does nothing without a record', () =>
    withPlace(async (place) => {
      await deadSocket(place.path);
      const lock = takeLock(place);
      expect(reclaim(lock)).toEqual({ pid: undefined, names: [] });
      expect(existsSync(place.path)).toBe(true);
      unlinkSync(place.path);
      lock.remove();
    }));

  it.each([0, 2, 99])('touches no leftovers of version %i, and names both versions', (version) =>
    withPlace(async (place) => {
      const { names, path, directory } = place;
      await deadSocket(path);
      mkdirSync(directory.at('.sr-00000000000000aa'));
      const published = JSON.stringify({ published: { name: names.data, file: identityAt(path) } });
      const record = `{"sockref":${version},"pid":77,"since":1}\n${published}\n{"temporary":".sr-00000000000000aa"}\n`;
      writeFileSync(`${path}.lock`, record, { mode: 0o600 });
      const before = treeOf(directory.path);
      const expected = { code: 'ERR_SOCKREF_PROTOCOL', path, ours: protocolVersion, theirs: version };

      const lock = takeLock(place);
      expect(thrownBy(() => reclaim(lock))).toMatchObject(expected);
      lock.release();
      await using manager = new SocketManager();
      for (const options of [{ serve }, {}, { serve, reclaim: 'stale' }] as const) {
        await expect(manager.acquire(path, options)).rejects.toMatchObject(expected);
        await expect(manager.acquire(path, options)).rejects.toThrow('(pid 77)');
      }
      expect(treeOf(directory.path)).toEqual(before);
      for (const name of readdirSync(directory.path)) rmSync(directory.at(name), { recursive: true });
    }),
  );
});

describe('freeName', () => {
  const clear = (place: Place, lock: LockFile, rule: 'recorded' | 'stale', own: Identity[] = []) =>
    freeName(lock, place.names.data, rule, own);

  it('finds the name free, or removes our own earlier file', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      expect(await clear(place, lock, 'recorded')).toBe(false);
      await deadSocket(place.path);
      expect(await clear(place, lock, 'recorded', [identityAt(place.path)])).toBe(true);
      expect(existsSync(place.path)).toBe(false);
      lock.remove();
    }));

  it('leaves a dead socket that no record names, and says what to do', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      await deadSocket(place.path);
      const refused = clear(place, lock, 'recorded');
      await expect(refused).rejects.toMatchObject({ code: 'ERR_SOCKREF_ADDRESS_IN_USE', found: 'socket' });
      await expect(refused).rejects.toThrow("reclaim: 'stale'");
      expect(await clear(place, lock, 'stale')).toBe(true);
      expect(existsSync(place.path)).toBe(false);
      lock.remove();
    }));

  it('leaves a socket with a listener, under both rules', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      const server = createServer().listen(place.path);
      await once(server, 'listening');
      for (const rule of ['recorded', 'stale'] as const) {
        await expect(clear(place, lock, rule)).rejects.toMatchObject({ code: 'ERR_SOCKREF_ADDRESS_IN_USE' });
      }
      await expect(clear(place, lock, 'stale')).rejects.toThrow('a server answers there');
      expect(existsSync(place.path)).toBe(true);
      server.close();
      await once(server, 'close');
      lock.remove();
    }));

  itAsRoot('leaves a dead socket of another user, under both rules', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      await deadSocket(place.path);
      chownSync(place.path, otherUid, otherUid);
      for (const rule of ['recorded', 'stale'] as const) {
        const refused = { code: 'ERR_SOCKREF_ADDRESS_IN_USE', found: 'socket', uid: otherUid };
        await expect(clear(place, lock, rule)).rejects.toMatchObject(refused);
      }
      await expect(clear(place, lock, 'stale')).rejects.toThrow('not yours to reclaim');
      unlinkSync(place.path);
      lock.remove();
    }),
  );

  it('leaves every file that is not a socket, under both rules', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      const { path } = place;
      const entries = [
        { file: path, mode: '0600', text: 'mine' },
        { directory: path, mode: '0700' },
        { link: path, to: 'app.sock.lock' },
        { fifo: path, mode: '0600' },
      ];
      for (const entry of entries) {
        await make(entry);
        const before = treeOf(place.directory.path);
        for (const rule of ['recorded', 'stale'] as const) {
          await expect(clear(place, lock, rule)).rejects.toMatchObject({ code: 'ERR_SOCKREF_ADDRESS_IN_USE' });
        }
        expect(treeOf(place.directory.path)).toEqual(before);
        rmSync(path, { recursive: true });
      }
      lock.remove();
    }));
});

describe('after a crash', () => {
  it('the next acquire removes what the dead owner left, and reports it', () =>
    withPlace(async (place) => {
      const owner = await start('acquire-once.mjs', { args: [place.path] });
      await owner.line();
      owner.kill();
      await owner.exited;
      expect(readdirSync(place.directory.path).sort()).toEqual(Object.values(place.names).sort());
      await using manager = new SocketManager();
      const told: unknown[] = [];
      manager.on('reclaimed', (event) => told.push(event));
      const reference = await manager.acquire(place.path, { serve });
      expect(told).toEqual([{ path: place.path, pid: owner.pid, files: [place.names.control, place.names.data] }]);
      expect(manager.stats().reclaimed).toBe(1);
      await reference.close();
    }));

  it('an acquire that can only join removes it, too, and says that no process serves', () =>
    withPlace(async (place) => {
      const owner = await start('acquire-once.mjs', { args: [place.path] });
      await owner.line();
      owner.kill();
      await owner.exited;
      await using manager = new SocketManager();
      await expect(manager.acquire(place.path)).rejects.toMatchObject({ code: 'ERR_SOCKREF_NOT_SERVED' });
      expect(readdirSync(place.directory.path)).toEqual([]);
    }));
});
