import { appendFileSync, chmodSync, linkSync, lstatSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { identityOf, kindOf, lstatIfThere, sameFile } from '#src/files/identity.js';
import { withDirectory } from '../helpers/directory.js';
import { make } from '../helpers/tree.js';
import { until } from '../helpers/until.js';

const identityAt = (path: string) => identityOf(lstatSync(path, { bigint: true }));

it('stays the same in all steps of publishing', () =>
  withDirectory((directory) => {
    const [file, link] = [`${directory}/file`, `${directory}/link`];
    writeFileSync(file, '');
    const first = identityAt(file);
    chmodSync(file, 0o666);
    linkSync(file, link);
    appendFileSync(file, 'more');
    expect(identityAt(link)).toEqual(first);
    expect(sameFile(identityAt(file), first)).toBe(true);
    rmSync(file);
    expect(identityAt(link)).toEqual(first);
    rmSync(link);
  }));

it('is different for a later file with the same name, even if the inode is the same', () =>
  withDirectory(async (directory) => {
    const [file, probe] = [`${directory}/file`, `${directory}/probe`];
    for (let round = 0; round < 10; round++) {
      writeFileSync(file, '');
      const first = identityAt(file);
      // The clock of a file system is coarse: wait until it has ticked.
      await until('the clock of the file system has ticked', () => {
        rmSync(probe, { force: true });
        writeFileSync(probe, '');
        return identityAt(probe).birth !== first.birth;
      });
      rmSync(probe);
      rmSync(file);
      writeFileSync(file, '');
      expect(sameFile(identityAt(file), first)).toBe(false);
      rmSync(file);
    }
  }));

it('compares device, inode and birth time, and leaves a missing birth time out', () => {
  const file = { dev: '1', ino: '2', birth: '3' };
  expect(sameFile(file, { ...file })).toBe(true);
  for (const key of ['dev', 'ino', 'birth'] as const) expect(sameFile(file, { ...file, [key]: '9' })).toBe(false);
  expect(sameFile(file, { ...file, birth: '0' })).toBe(true);
  expect(sameFile({ ...file, birth: '0' }, file)).toBe(true);
  expect(sameFile({ ...file, birth: '0' }, { ...file, ino: '9' })).toBe(false);
});

it('looks at a link and does not follow it, and is undefined for a missing name', () =>
  withDirectory((directory) => {
    const link = `${directory}/link`;
    symlinkSync('/', link);
    expect(lstatIfThere(link)?.isSymbolicLink()).toBe(true);
    rmSync(link);
    expect(lstatIfThere(link)).toBeUndefined();
    expect(() => lstatIfThere('/dev/null/x')).toThrow('ENOTDIR');
  }));

it('has a word for each kind of file', () =>
  withDirectory(async (directory) => {
    const path = `${directory}/x`;
    const entries = {
      socket: { socket: path },
      'regular file': { file: path, mode: '0600' },
      directory: { directory: path, mode: '0700' },
      'symbolic link': { link: path, to: 'none' },
      FIFO: { fifo: path, mode: '0600' },
    };
    for (const [kind, entry] of Object.entries(entries)) {
      await make(entry);
      expect(kindOf(lstatSync(path, { bigint: true }))).toBe(kind);
      rmSync(path, { recursive: true });
    }
    expect(kindOf(lstatSync('/dev/null', { bigint: true }))).toBe('device');
  }));
