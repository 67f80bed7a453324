import { chownSync, copyFileSync, cpSync, existsSync, lchownSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isPassable } from '../../scripts/passable.mjs';
import { root } from './samples.js';

/**
 * Copies a package into a folder of installed packages, with all that it depends on: `sockref` is the one under test.
 * For programs of another user, who may not be able to read this checkout.
 */
export function copyPackage(name: string, modules: string): void {
  const to = join(modules, name);
  if (existsSync(to)) return;
  mkdirSync(dirname(to), { recursive: true });
  if (name === 'sockref') {
    for (const part of ['package.json', 'dist']) cpSync(join(root, part), join(to, part), { recursive: true });
  } else {
    cpSync(join(root, 'node_modules', name), to, { recursive: true });
  }
  const { dependencies = {} } = JSON.parse(readFileSync(join(to, 'package.json'), 'utf8'));
  for (const each of Object.keys(dependencies)) {
    // A dependency with another version was copied with the package.
    if (!existsSync(join(to, 'node_modules', each))) copyPackage(each, modules);
  }
}

/** The Node that runs the tests, for every user: a copy in a folder if other users cannot enter its directory. */
export function nodeForEveryUser(folder: string): string {
  if (isPassable(dirname(process.execPath))) return process.execPath;
  const copy = join(folder, 'node');
  if (!existsSync(copy)) copyFileSync(process.execPath, copy);
  return copy;
}

/** Gives a folder and its content to a user; the targets of links keep their owner. */
export function giveTo(owner: number, folder: string): void {
  chownSync(folder, owner, owner);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) giveTo(owner, path);
    else lchownSync(path, owner, owner);
  }
}
