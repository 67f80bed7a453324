import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assertSafe, canonicalDirectory, Directory } from '#src/files/directory.js';
import { ownUid } from '#src/files/platform.js';
import { withDirectory } from '../helpers/directory.js';
import { itAsRoot, otherUid, thrownBy } from '../helpers/place.js';

// test/vectors/paths.json has some modes; this tests every mode and every owner.

const openDescriptors = () => readdirSync('/proc/self/fd').length;

describe('assertSafe', () => {
  const judge = (uid: number, mode: number, rule: 'shared' | 'private') => {
    try {
      assertSafe('/x', uid, mode, rule);
      return 'fine';
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_SOCKREF_UNSAFE_DIRECTORY', directory: '/x', uid, mode });
      return (error as { reason: string }).reason;
    }
  };

  it('lets only this user into a private directory', () => {
    for (let mode = 0; mode <= 0o7777; mode++) {
      expect(judge(ownUid(), mode, 'private')).toBe(mode & 0o077 ? 'mode' : 'fine');
      expect(judge(otherUid, mode, 'private')).toBe('owner');
    }
  });

  it('lets only this user and root replace files in a shared directory', () => {
    for (let mode = 0; mode <= 0o7777; mode++) {
      const safe = !(mode & 0o022) || (mode & 0o1000) !== 0;
      expect(judge(ownUid(), mode, 'shared')).toBe(safe ? 'fine' : 'mode');
      expect(judge(0, mode, 'shared')).toBe(safe ? 'fine' : 'mode');
      expect(judge(otherUid, mode, 'shared')).toBe('owner');
    }
  });

  it('names its owner and its mode, and says how to correct them', () => {
    expect(() => assertSafe('/x', ownUid(), 0o1775 & 0o777, 'shared')).toThrow(
      `Unsafe directory "/x": it lets group or others replace files (owner uid ${ownUid()}, mode 0775); run: chmod go-w "/x" (or chmod +t)`,
    );
    expect(() => assertSafe('/x', otherUid, 0o700, 'shared')).toThrow('use a directory that belongs to you');
    expect(() => assertSafe('/x', ownUid(), 0o755, 'private')).toThrow('run: chmod 700 "/x"');
    expect(() => assertSafe('/x', otherUid, 0o700, 'private')).toThrow('set SOCKREF_DIR to one of yours');
  });
});

describe('Directory', () => {
  it('opens a safe directory, and no other', () =>
    withDirectory((directory) => {
      Directory.open(directory).release();
      chmodSync(directory, 0o777);
      expect(() => Directory.open(directory)).toThrow(expect.objectContaining({ reason: 'mode' }));
      chmodSync(directory, 0o755);
      Directory.open(directory, 'shared').release();
      expect(() => Directory.open(directory, 'private')).toThrow(expect.objectContaining({ reason: 'mode' }));
    }));

  itAsRoot('refuses a directory of another user', () =>
    withDirectory((directory) => {
      chownSync(directory, otherUid, otherUid);
      for (const rule of ['shared', 'private'] as const) {
        const expected = { code: 'ERR_SOCKREF_UNSAFE_DIRECTORY', uid: otherUid, mode: 0o700, reason: 'owner' };
        expect(() => Directory.open(directory, rule)).toThrow(expect.objectContaining(expected));
      }
    }),
  );

  it('checks the directory that it opens: a link is not followed', () =>
    withDirectory((directory) => {
      symlinkSync('/', `${directory}/link`);
      expect(() => Directory.open(`${directory}/link`)).toThrow(
        expect.objectContaining({ code: 'ERR_SOCKREF_DIRECTORY_NOT_FOUND' }),
      );
      unlinkSync(`${directory}/link`);
    }));

  it('stays the directory that was checked when its path leads elsewhere', () =>
    withDirectory((directory) => {
      const [path, moved] = [`${directory}/a`, `${directory}/b`];
      mkdirSync(path, 0o700);
      const opened = Directory.open(path);
      expect(opened.isInPlace()).toBe(true);
      renameSync(path, moved);
      expect(opened.isInPlace()).toBe(false);
      mkdirSync(path, 0o700);
      expect(opened.isInPlace()).toBe(false);
      if (process.platform === 'linux') {
        writeFileSync(opened.at('file'), '');
        expect(readdirSync(path)).toEqual([]);
        expect(readdirSync(moved)).toEqual(['file']);
        unlinkSync(opened.at('file'));
      }
      // The path is opened again, as the directory that is there now.
      const other = Directory.open(path);
      expect(other).not.toBe(opened);
      expect(other.isInPlace()).toBe(true);
      opened.release();
      expect(Directory.open(path)).toBe(other);
      other.release();
      other.release();
      rmdirSync(path);
      rmdirSync(moved);
    }));

  it('has one descriptor for any number of users, until all have released it', () =>
    withDirectory((directory) => {
      const before = openDescriptors();
      const first = Directory.open(directory);
      expect(openDescriptors()).toBe(before + 1);
      expect(Directory.open(directory)).toBe(first);
      expect(first.retain()).toBe(first);
      expect(openDescriptors()).toBe(before + 1);
      first.release();
      first.release();
      expect(existsSync(first.at('.'))).toBe(true);
      first.release();
      expect(openDescriptors()).toBe(before);
    }));

  it('opens no descriptor for a directory that it refuses', () =>
    withDirectory((directory) => {
      const before = openDescriptors();
      chmodSync(directory, 0o777);
      for (const path of [directory, `${directory}/none`, '/dev/null']) thrownBy(() => Directory.open(path));
      expect(openDescriptors()).toBe(before);
    }));

  it('reaches a name in a few bytes, even if the path is long', () =>
    withDirectory((directory) => {
      const long = `${directory}/${'x'.repeat(200)}`;
      mkdirSync(long, 0o700);
      const opened = Directory.open(long);
      if (process.platform === 'linux') expect(opened.at('name').length).toBeLessThan(40);
      writeFileSync(opened.at('name'), '');
      expect(lstatSync(`${long}/name`).isFile()).toBe(true);
      opened.release();
      rmSync(long, { recursive: true });
    }));
});

it('reports a directory that is missing, or a file that is not a directory', () =>
  withDirectory((directory) => {
    writeFileSync(`${directory}/file`, '');
    const missing = { code: 'ERR_SOCKREF_DIRECTORY_NOT_FOUND', directory: `${directory}/none` };
    expect(() => canonicalDirectory(`${directory}/none`)).toThrow(expect.objectContaining(missing));
    expect(() => canonicalDirectory(`${directory}/none`)).toThrow('does not exist; create it first (mkdir -p -m 700)');
    expect(() => canonicalDirectory(`${directory}/file/sub`)).toThrow('is not a directory');
    expect((thrownBy(() => canonicalDirectory(`${directory}/none`)) as Error).cause).toMatchObject({ code: 'ENOENT' });
    rmSync(`${directory}/file`);
  }));
