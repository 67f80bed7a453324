import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as sockref from 'sockref';

const root = fileURLToPath(new URL('../../', import.meta.url));

let copy: Promise<typeof sockref> | undefined;

/** The package once more, as a program has it when two of its dependencies each bring their own. */
export function secondCopy(): Promise<typeof sockref> {
  copy ??= load();
  return copy;
}

async function load(): Promise<typeof sockref> {
  const modules = join(mkdtempSync(join(tmpdir(), 'sockref-copy-')), 'node_modules');
  const at = join(modules, 'sockref-copy');
  mkdirSync(at, { recursive: true });
  process.once('exit', () => rmSync(join(modules, '..'), { recursive: true, force: true }));
  writeFileSync(join(at, 'package.json'), '{ "type": "module" }');
  cpSync(join(root, 'dist'), join(at, 'dist'), { recursive: true });
  for (const name of ['valibot', 'fs-native-extensions']) {
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  return import(/* @vite-ignore */ pathToFileURL(join(at, 'dist', 'index.js')).href);
}
