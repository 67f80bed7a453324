import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, vi } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { cleanEnv, slowTestMs } from '../helpers/packed-project.js';
import { root } from '../helpers/samples.js';

const run = promisify(execFile);

vi.setConfig({ testTimeout: slowTestMs });

/** Files by their path in the folder, with their content. */
type Files = Record<string, string>;

/** A function of a script, which has no types for the tested parts. */
const { replaceFolder }: { replaceFolder(folder: string, fresh: string): void } = await import(
  join(root, 'scripts/build/replace-folder.mjs')
);

it('packs twice at once, and does not change the files', () =>
  withDirectory(async (directory) => {
    const places = ['a', 'b'].map((name) => join(directory, name));
    const before = statSync(join(root, 'dist/index.js'));
    const packed = places.map(async (place) => {
      mkdirSync(place);
      const args = ['pack', '--silent', '--json', '--pack-destination', place];
      const { stdout } = await run('npm', args, { cwd: root, env: cleanEnv });
      return JSON.parse(stdout)[0].integrity;
    });
    const [first, second] = await Promise.all(packed);
    expect(first).toMatch(/^sha512-/);
    expect(second).toBe(first);
    expect(statSync(join(root, 'dist/index.js')).ino).toBe(before.ino);
    expect(readdirSync(root).filter((name) => name.startsWith('.dist-'))).toEqual([]);
    for (const place of places) rmSync(place, { recursive: true });
  }));

it('makes a folder equal to a fresh one, and does not touch equal files', () =>
  withDirectory(async (directory) => {
    const [old, fresh] = [
      folderOf(directory, { 'a/same': '1', 'a/other': '1', 'b/gone': '1' }),
      folderOf(directory, {}),
    ];
    write(fresh, { 'a/same': '1', 'a/other': '2', 'c/new': '3' });
    const same = statSync(join(old, 'a/same')).ino;
    replaceFolder(old, fresh);
    expect(readdirSync(old).sort()).toEqual(['a', 'c']);
    expect(read(old, ['a/same', 'a/other', 'c/new'])).toEqual(['1', '2', '3']);
    expect(statSync(join(old, 'a/same')).ino).toBe(same);
    for (const folder of [old, fresh]) rmSync(folder, { recursive: true });
  }));

it('makes a missing folder', () =>
  withDirectory(async (directory) => {
    const fresh = folderOf(directory, { 'a/new': '1' });
    const folder = join(directory, 'dist');
    replaceFolder(folder, fresh);
    expect(read(folder, ['a/new'])).toEqual(['1']);
    for (const each of [folder, fresh]) rmSync(each, { recursive: true });
  }));

function folderOf(directory: string, files: Files): string {
  const folder = mkdtempSync(join(directory, 'folder-'));
  write(folder, files);
  return folder;
}

function write(folder: string, files: Files): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

function read(folder: string, names: string[]): string[] {
  return names.map((name) => readFileSync(join(folder, name), 'utf8'));
}
