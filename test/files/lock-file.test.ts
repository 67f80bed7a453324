import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LockFile } from '#src/files/lock-file.js';
import { peekRecord } from '#src/files/locking.js';
import type { Place } from '#src/files/place.js';
import { isRoot, itAsRoot, otherUid, takeLock, withPlace } from '../helpers/place.js';
import { start } from '../helpers/program.js';
import { type Entry, make, treeOf } from '../helpers/tree.js';

const attempt = (place: Place, create = true) => LockFile.attempt(place, create);
const lockPath = ({ path }: Place) => `${path}.lock`;
const openDescriptors = () => readdirSync('/proc/self/fd').length;

describe('a lock', () => {
  it('is held once, and free again after its release', () =>
    withPlace((place) => {
      const lock = takeLock(place);
      expect(attempt(place)).toEqual({ kind: 'busy', record: undefined });
      expect(attempt(place, false).kind).toBe('busy');
      lock.release();
      const again = takeLock(place);
      again.remove();
      expect(attempt(place, false)).toEqual({ kind: 'absent' });
    }));

  it('is made with mode 0600, under any umask', () =>
    withPlace((place) => {
      for (const umask of [0, 0o022, 0o277, 0o777]) {
        const before = process.umask(umask);
        try {
          const lock = takeLock(place);
          expect(lstatSync(lockPath(place)).mode & 0o7777).toBe(0o600);
          lock.remove();
        } finally {
          process.umask(before);
        }
      }
    }));

  it('names its holder to other processes, once the holder has written its record', () =>
    withPlace((place) => {
      const lock = takeLock(place);
      lock.begin();
      expect(attempt(place)).toMatchObject({ kind: 'busy', record: { pid: process.pid } });
      expect(peekRecord(place)?.pid).toBe(process.pid);
      lock.remove();
      expect(peekRecord(place)).toBeUndefined();
    }));

  it('is free after its holder was killed', () =>
    withPlace(async (place) => {
      const holder = await start('lock-holder.mjs', { args: [place.path] });
      expect(await holder.line()).toEqual({ kind: 'held' });
      expect(attempt(place)).toMatchObject({ kind: 'busy', record: { pid: holder.pid } });
      holder.kill();
      await holder.exited;
      const lock = takeLock(place);
      expect(readFileSync(lockPath(place), 'utf8')).toContain(`"pid":${holder.pid}`);
      lock.remove();
    }));

  it('excludes other processes', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      const other = await start('lock-holder.mjs', { args: [place.path] });
      expect(await other.line()).toEqual({ kind: 'busy' });
      await other.exited;
      lock.remove();
    }));

  it('is released for a copy of its descriptor, too', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      const child = spawn('cat', { stdio: ['pipe', 'pipe', 'ignore', lock.fd] });
      lock.release();
      const again = takeLock(place);
      again.remove();
      child.stdin?.end();
    }));

  it('keeps no descriptor if it was not obtained, or was released', () =>
    withPlace((place) => {
      const before = openDescriptors();
      attempt(place, false);
      const lock = takeLock(place);
      expect(openDescriptors()).toBe(before + 1);
      attempt(place);
      peekRecord(place);
      expect(openDescriptors()).toBe(before + 1);
      lock.remove();
      expect(openDescriptors()).toBe(before);
    }));

  it('can be released and removed many times', () =>
    withPlace((place) => {
      const lock = takeLock(place);
      lock.remove();
      const next = takeLock(place);
      lock.remove();
      lock.release();
      expect(next.check()).toBe('linked');
      expect(attempt(place).kind).toBe('busy');
      next.remove();
      next.release();
    }));
});

describe('a lock file that does not stay', () => {
  it('is locked again when it was removed between opening and locking', () =>
    withPlace((place) => {
      // The first look at the disk after the lock removes or replaces the file.
      const { directory, names } = place;
      const at = directory.at.bind(directory);
      let asked = 0;
      directory.at = (name) => {
        // The first time it is opened, the second time it is compared.
        if (name === names.lock && ++asked === 2) unlinkSync(lockPath(place));
        return at(name);
      };
      const lock = takeLock(place);
      expect(asked).toBe(4);
      expect(lock.check()).toBe('linked');
      expect(fstatSync(lock.fd).ino).toBe(lstatSync(lockPath(place)).ino);
      lock.remove();
    }));

  it('is locked again when it was replaced between opening and locking', () =>
    withPlace((place) => {
      const { directory, names } = place;
      const at = directory.at.bind(directory);
      let asked = 0;
      directory.at = (name) => {
        if (name === names.lock && ++asked === 2) {
          writeFileSync(`${place.path}.new`, '', { mode: 0o600 });
          renameSync(`${place.path}.new`, lockPath(place));
        }
        return at(name);
      };
      const lock = takeLock(place);
      expect(fstatSync(lock.fd).ino).toBe(lstatSync(lockPath(place)).ino);
      lock.remove();
    }));

  it('counts as busy when it never stays, and nothing is left open', () =>
    withPlace((place) => {
      const { directory, names } = place;
      const at = directory.at.bind(directory);
      const before = openDescriptors();
      let asked = 0;
      directory.at = (name) => {
        if (name === names.lock && ++asked % 2 === 0) unlinkSync(lockPath(place));
        return at(name);
      };
      expect(attempt(place)).toEqual({ kind: 'busy', record: undefined });
      expect(openDescriptors()).toBe(before);
      Reflect.deleteProperty(directory, 'at');
      rmSync(lockPath(place), { force: true });
    }));

  it('shows its holder whether it is missing or replaced; the other file is left alone', () =>
    withPlace((place) => {
      const lock = takeLock(place);
      expect(lock.check()).toBe('linked');
      unlinkSync(lockPath(place));
      expect(lock.check()).toBe('missing');
      const successor = takeLock(place);
      expect(lock.check()).toBe('replaced');
      lock.remove();
      expect(successor.check()).toBe('linked');
      expect(attempt(place).kind).toBe('busy');
      successor.remove();
    }));

  it('counts as missing after it was renamed', () =>
    withPlace((place) => {
      const lock = takeLock(place);
      linkSync(lockPath(place), `${place.path}.other`);
      unlinkSync(lockPath(place));
      expect(lock.check()).toBe('missing');
      lock.release();
      unlinkSync(`${place.path}.other`);
    }));
});

describe('a lock file that is taken again', () => {
  const tell = (error: unknown): never => {
    throw error;
  };
  const left = { temporary: '.sr-0123456789abcdef' };

  it('has a new record, and takes the place of the lost one in the same object', () =>
    withPlace((place) => {
      const lock = takeLock(place);
      lock.begin();
      const before = openDescriptors();
      unlinkSync(lockPath(place));
      expect(lock.retake(() => [left], tell)).toBe(true);
      expect(lock.check()).toBe('linked');
      expect(lock.isOpen()).toBe(true);
      expect(lock.record()).toMatchObject({ pid: process.pid, temporaries: [left.temporary] });
      expect(openDescriptors()).toBe(before);
      expect(attempt(place).kind).toBe('busy');
      lock.remove();
      expect(openDescriptors()).toBe(before - 1);
    }));

  it('is not, if another process was faster', () =>
    withPlace((place) => {
      const lock = takeLock(place);
      unlinkSync(lockPath(place));
      const other = takeLock(place);
      expect(lock.retake(() => [], tell)).toBe(false);
      expect(other.check()).toBe('linked');
      other.remove();
      lock.release();
    }));

  it('does not close a file with the number of a descriptor that other code closed', () =>
    withPlace((place) => {
      const lock = takeLock(place);
      const { fd } = lock;
      closeSync(fd);
      const other = openSync(place.directory.path, 'r');
      expect(other).toBe(fd);
      unlinkSync(lockPath(place));
      expect(lock.retake(() => [], tell)).toBe(true);
      expect(fstatSync(other).isDirectory()).toBe(true);
      closeSync(other);
      lock.remove();
    }));

  it('stays unchanged after a failure, and is taken again by the next call', () =>
    withPlace((place) => {
      const lock = takeLock(place);
      const { fd } = lock;
      const before = openDescriptors();
      unlinkSync(lockPath(place));
      expect(() => lock.retake(() => [{ temporary: 'x'.repeat(70_000) }], tell)).toThrow('would exceed');
      expect(lock.fd).toBe(fd);
      expect(openDescriptors()).toBe(before);
      expect(lock.check()).toBe('missing');
      expect(lock.retake(() => [], tell)).toBe(true);
      lock.remove();
    }));
});

describe('a foreign file at the path of the lock', () => {
  const entries: Record<string, (path: string) => Entry[]> = {
    'a regular file': (path) => [{ file: path, mode: '0600', text: 'mine\n' }],
    'a regular file of zeros': (path) => [{ file: path, mode: '0600', text: '\0'.repeat(100) }],
    'an empty file as touch makes it': (path) => [{ file: path, mode: '0644' }],
    'an empty file that can be run': (path) => [{ file: path, mode: '0700' }],
    'a directory': (path) => [{ directory: path, mode: '0700' }],
    'a link to a file of ours': (path) => [
      { file: `${path}.ours`, mode: '0600' },
      { link: path, to: 'app.sock.lock.ours' },
    ],
    'a link to a missing file': (path) => [{ link: path, to: 'none' }],
    // A record in it would be in the other file, too.
    'an empty file that has another name': (path) => [
      { file: `${path}.other`, mode: '0600' },
      { hardLink: path, to: `${path}.other` },
    ],
    'a FIFO': (path) => [{ fifo: path, mode: '0600' }],
    'a socket': (path) => [{ socket: path }],
  };

  it.each(Object.entries(entries))('is left alone: %s', (_, entry) =>
    withPlace(async (place) => {
      const folder = place.directory.path;
      for (const each of entry(lockPath(place))) await make(each);
      const before = treeOf(folder);
      const openBefore = openDescriptors();
      for (const create of [true, false]) {
        expect(() => attempt(place, create)).toThrow(
          expect.objectContaining({ code: 'ERR_SOCKREF_ADDRESS_IN_USE', path: place.path }),
        );
      }
      expect(() => peekRecord(place)).toThrow();
      expect(treeOf(folder)).toEqual(before);
      expect(openDescriptors()).toBe(openBefore);
      for (const name of readdirSync(folder)) rmSync(`${folder}/${name}`, { recursive: true });
    }),
  );

  itAsRoot('is left alone: an empty file of another user, even if we may write to it', () =>
    withPlace((place) => {
      writeFileSync(lockPath(place), '', { mode: 0o600 });
      chownSync(lockPath(place), otherUid, otherUid);
      const before = treeOf(place.directory.path);
      const refused = { code: 'ERR_SOCKREF_ADDRESS_IN_USE', found: 'regular file', uid: otherUid };
      expect(() => attempt(place)).toThrow(expect.objectContaining(refused));
      expect(treeOf(place.directory.path)).toEqual(before);
      unlinkSync(lockPath(place));
    }),
  );

  it('counts as ours: an empty file whose mode is ours after a umask', () =>
    withPlace((place) => {
      for (const mode of isRoot ? [0o600, 0o400, 0o200, 0] : [0o600]) {
        writeFileSync(lockPath(place), '');
        chmodSync(lockPath(place), mode);
        takeLock(place).remove();
      }
    }));

  it('counts as ours: a record torn in its first bytes', () =>
    withPlace((place) => {
      for (const text of ['{', '{"sockref"', '{"sockref":1,"pid":']) {
        writeFileSync(lockPath(place), text, { mode: 0o600 });
        takeLock(place).remove();
      }
    }));

  it('does not hide that the directory is missing', () =>
    withPlace((place) => {
      mkdirSync(`${place.directory.path}/sub`);
      const elsewhere = { ...place, names: { ...place.names, lock: 'none/app.sock.lock' } };
      expect(attempt(elsewhere, false)).toEqual({ kind: 'absent' });
      expect(() => attempt(elsewhere)).toThrow(
        expect.objectContaining({ code: 'ERR_SOCKREF_SYSTEM', errno: 'ENOENT', syscall: 'open' }),
      );
      rmSync(`${place.directory.path}/sub`, { recursive: true });
    }));
});

describe('a lock that is handed over', () => {
  it('belongs to the process that inherited it, until that has ended', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      const heir = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore', lock.fd] });
      await once(heir, 'spawn');
      lock.handOver();
      // A second or late call must not affect a descriptor that belongs to other code by now.
      const other = openSync(place.directory.path, 'r');
      lock.handOver();
      lock.release();
      lock.remove();
      closeSync(other);
      expect(attempt(place).kind).toBe('busy');
      heir.stdin?.end();
      await once(heir, 'close');
      takeLock(place).remove();
    }));

  it('is adopted unchanged', () =>
    withPlace((place) => {
      const { fd } = takeLock(place);
      const adopted = LockFile.adopt(place, fd);
      expect(adopted?.check()).toBe('linked');
      expect(attempt(place).kind).toBe('busy');
      adopted?.remove();
      expect(attempt(place, false).kind).toBe('absent');
    }));

  it.each([
    ['is not linked any more', (at: string) => unlinkSync(at)],
    [
      'was replaced',
      (at: string) => {
        writeFileSync(`${at}~`, '');
        renameSync(`${at}~`, at);
      },
    ],
  ])('is not adopted when its file %s, and leaves no descriptor', (_, happen) =>
    withPlace((place) => {
      const { fd } = takeLock(place);
      const before = openDescriptors();
      happen(lockPath(place));
      expect(LockFile.adopt(place, fd)).toBeUndefined();
      expect(openDescriptors()).toBe(before - 1);
      rmSync(lockPath(place), { force: true });
    }),
  );

  it('is not adopted when another process has it', () =>
    withPlace((place) => {
      const lock = takeLock(place);
      const fd = openSync(lockPath(place), 'r+');
      expect(LockFile.adopt(place, fd)).toBeUndefined();
      expect(lock.check()).toBe('linked');
      expect(attempt(place).kind).toBe('busy');
      lock.remove();
    }));
});

describe('a file system without locks', () => {
  it('is reported, and leaves no descriptor and no file', () =>
    withPlace((place) => {
      const native = createRequire(import.meta.url)(
        `fs-native-extensions/prebuilds/${process.platform}-${process.arch}/fs-native-extensions.node`,
      );
      const { tryLock } = native;
      onTestFinished(() => {
        native.tryLock = tryLock;
      });
      const before = openDescriptors();
      // libuv has no name for this error.
      const { ENOLCK } = constants.errno;
      native.tryLock = () => {
        throw Object.assign(new Error('no locks'), { code: `Unknown system error -${ENOLCK}`, errno: -ENOLCK });
      };
      expect(() => attempt(place)).toThrow(
        expect.objectContaining({ code: 'ERR_SOCKREF_UNSUPPORTED', errno: 'ENOLCK' }),
      );
      expect(openDescriptors()).toBe(before);
      expect(readdirSync(place.directory.path)).toEqual([]);
    }));
});
