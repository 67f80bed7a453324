/**
 * Builds `dist` while tests, packing and other builds may be using it. It builds into a new folder, and then replaces
 * the old files one by one. At every moment each file of `dist` is complete, and building the same source again changes
 * none. Builds wait for each other.
 */

import { spawnSync } from 'node:child_process';
import { openSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bundleCommandLine } from './build/command-line.mjs';
import { bundleKeeper } from './build/keeper.mjs';
import { bundleLibrary } from './build/library.mjs';
import { writeLicences } from './build/licences.mjs';
import { replaceFolder } from './build/replace-folder.mjs';
import { root } from './build/root.mjs';

const require = createRequire(import.meta.url);

// The kernel releases the lock when this process ends, however it ends.
await require('fs-native-extensions').waitForLock(openSync(join(root, '.dist.lock'), 'w'));

// Beside `dist`, so that the source maps lead to `src` from either. A killed build has left its folder.
const unfinished = readdirSync(root).filter((name) => name.startsWith('.dist-'));
for (const name of unfinished) rmSync(join(root, name), { recursive: true });
const fresh = `.dist-${process.pid}`;
try {
  const folder = join(root, fresh);
  if (compile()) {
    const bundled = [await bundleLibrary(folder), await bundleKeeper(folder), await bundleCommandLine(folder)];
    await writeLicences(folder, bundled.flat());
    replaceFolder(join(root, 'dist'), folder);
  }
} finally {
  rmSync(join(root, fresh), { recursive: true, force: true });
}

/** Compiles each file of `src` into a module; these are what is bundled, and what unit tests load. */
function compile() {
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  const args = ['-p', 'tsconfig.json', '--outDir', `${fresh}/modules`, '--declarationDir', `${fresh}/types`];
  const { status } = spawnSync(process.execPath, [compiler, ...args], { cwd: root, stdio: 'inherit' });
  process.exitCode = status ?? 1;
  return status === 0;
}
