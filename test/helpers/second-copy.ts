import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as sockref from 'sockref';
import { afterAll } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

let copy: Promise<typeof sockref> | undefined;
let made: string | undefined;

// At the end of each test file with a copy: the runner ends its processes with a signal, so no exit handler runs.
afterAll(() => {
  if (made) rmSync(made, { recursive: true, force: true });
});

/** A second copy of the package, as in a program of which two dependencies bring their own. */
export function secondCopy(): Promise<typeof sockref> {
  copy ??= load();
  return copy;
}

async function load(): Promise<typeof sockref> {
  made = mkdtempSync(join(tmpdir(), 'sockref-copy-'));
  const modules = join(made, 'node_modules');
  const at = join(modules, 'sockref-copy');
  mkdirSync(at, { recursive: true });
  cpSync(join(root, 'package.json'), join(at, 'package.json'));
  cpSync(join(root, 'dist'), join(at, 'dist'), { recursive: true });
  symlinkSync(join(root, 'node_modules/fs-native-extensions'), join(modules, 'fs-native-extensions'));
  return import(/* @vite-ignore */ pathToFileURL(join(at, 'dist', 'index.js')).href);
}
