import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { SocketManager } from 'sockref';
import { afterEach, expect, it } from 'vitest';
import { defaultDirectory, defaultDirectoryPath } from '#src/files/default-directory.js';
import { ownUid } from '#src/files/platform.js';
import { withDirectory } from '../helpers/directory.js';
import { itAsRoot, otherUid } from '../helpers/place.js';

afterEach(() => {
  delete process.env['SOCKREF_DIR'];
});

const serve = (): void => {};

/** Runs a test with a default directory that does not exist yet. */
function withDefault(test: (path: string) => void | Promise<void>): Promise<void> {
  return withDirectory(async (directory) => {
    process.env['SOCKREF_DIR'] = `${directory}/default`;
    await test(`${directory}/default`);
  });
}

it('is named by SOCKREF_DIR, else below XDG_RUNTIME_DIR, else in /tmp with the number of the user', () => {
  expect(defaultDirectoryPath({ SOCKREF_DIR: '/a', XDG_RUNTIME_DIR: '/b' })).toBe('/a');
  expect(defaultDirectoryPath({ XDG_RUNTIME_DIR: '/b' })).toBe('/b/sockref');
  expect(defaultDirectoryPath({ SOCKREF_DIR: '', XDG_RUNTIME_DIR: '/b' })).toBe('/b/sockref');
  expect(defaultDirectoryPath({ SOCKREF_DIR: '', XDG_RUNTIME_DIR: '' })).toBe(`/tmp/sockref-${ownUid()}`);
  expect(defaultDirectoryPath({})).toBe(`/tmp/sockref-${ownUid()}`);
});

it('ignores a relative XDG_RUNTIME_DIR, as its specification says', () => {
  expect(defaultDirectoryPath({ XDG_RUNTIME_DIR: 'run' })).toBe(`/tmp/sockref-${ownUid()}`);
});

it('refuses a SOCKREF_DIR that is not absolute, and says so', () => {
  for (const value of ['run', './run', '~/run', ' /run', '/run\0/x']) {
    const expected = { code: 'ERR_SOCKREF_INVALID_OPTION', option: 'SOCKREF_DIR', expected: 'an absolute path' };
    expect(() => defaultDirectoryPath({ SOCKREF_DIR: value })).toThrow(expect.objectContaining(expected));
  }
});

it('is made for this user alone, under any umask', () =>
  withDefault((path) => {
    const umask = process.umask(0);
    try {
      expect(defaultDirectory(true)).toBe(path);
    } finally {
      process.umask(umask);
    }
    expect(lstatSync(path).mode & 0o7777).toBe(0o700);
    expect(lstatSync(path).uid).toBe(ownUid());
    expect(defaultDirectory(true)).toBe(path);
    rmdirSync(path);
  }));

it('is not made by calls that only look', () =>
  withDefault(async (path) => {
    await using manager = new SocketManager();
    expect(manager.isSocketActive('db.sock')).toBe(false);
    expect(manager.getExisting('db.sock')).toBeUndefined();
    expect(await manager.inspect('db.sock')).toBeUndefined();
    expect(await manager.list()).toEqual([]);
    await expect(manager.acquire('db.sock')).rejects.toMatchObject({ code: 'ERR_SOCKREF_NOT_SERVED' });
    expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined();
  }));

it('is refused when it is a link, even to a safe directory of ours', () =>
  withDefault(async (path) => {
    mkdirSync(`${path}-real`, 0o700);
    symlinkSync('default-real', path);
    await using manager = new SocketManager();
    const refused = { code: 'ERR_SOCKREF_UNSAFE_DIRECTORY', directory: path, reason: 'not-a-directory' };
    await expect(manager.acquire('db.sock', { serve })).rejects.toMatchObject(refused);
    expect(readdirSync(`${path}-real`)).toEqual([]);
    unlinkSync(path);
    rmdirSync(`${path}-real`);
  }));

it('is refused when it is open to others, and its mode is left as it is', () =>
  withDefault(async (path) => {
    mkdirSync(path);
    chmodSync(path, 0o750);
    await using manager = new SocketManager();
    const refused = { code: 'ERR_SOCKREF_UNSAFE_DIRECTORY', directory: path, mode: 0o750, reason: 'mode' };
    await expect(manager.acquire('db.sock', { serve })).rejects.toMatchObject(refused);
    await expect(manager.acquire('db.sock')).rejects.toMatchObject(refused);
    expect(lstatSync(path).mode & 0o7777).toBe(0o750);
    rmdirSync(path);
  }));

itAsRoot('is refused when it belongs to another user, even if we may use it', () =>
  withDefault(async (path) => {
    mkdirSync(path);
    chmodSync(path, 0o700);
    chownSync(path, otherUid, otherUid);
    await using manager = new SocketManager();
    const refused = { code: 'ERR_SOCKREF_UNSAFE_DIRECTORY', directory: path, uid: otherUid, reason: 'owner' };
    await expect(manager.acquire('db.sock', { serve })).rejects.toMatchObject(refused);
    expect(readdirSync(path)).toEqual([]);
    rmdirSync(path);
  }),
);

it('is refused when a file has its name, which stays', () =>
  withDefault(async (path) => {
    writeFileSync(path, 'mine');
    await using manager = new SocketManager();
    const refused = { code: 'ERR_SOCKREF_UNSAFE_DIRECTORY', reason: 'not-a-directory' };
    await expect(manager.acquire('db.sock', { serve })).rejects.toMatchObject(refused);
    expect(lstatSync(path).isFile()).toBe(true);
    unlinkSync(path);
  }));

it('is not made in a directory in which others could put another one in its place', () =>
  withDirectory(async (directory) => {
    chmodSync(directory, 0o777);
    process.env['SOCKREF_DIR'] = `${directory}/default`;
    await using manager = new SocketManager();
    const refused = { code: 'ERR_SOCKREF_UNSAFE_DIRECTORY', directory, reason: 'mode' };
    await expect(manager.acquire('db.sock', { serve })).rejects.toMatchObject(refused);
  }));

it('is looked up each time: a change of the environment takes effect', () =>
  withDefault(async (path) => {
    await using manager = new SocketManager();
    await using first = await manager.acquire('db.sock', { serve });
    process.env['SOCKREF_DIR'] = `${path}-2`;
    expect(manager.isSocketActive('db.sock')).toBe(false);
    await using second = await manager.acquire('db.sock', { serve });
    expect([first.path, second.path]).toEqual([`${path}/db.sock`, `${path}-2/db.sock`]);
    await Promise.all([first.close(), second.close()]);
    rmdirSync(path);
    rmdirSync(`${path}-2`);
  }));
