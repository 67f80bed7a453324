/**
 * Builds `dist`, in which tests run, packages are packed and other builds may be under way: into a fresh folder, whose files
 * then take the place of the old ones one by one. At every moment each file of `dist` is a whole one, and to build the same
 * source again changes none. Builds wait for each other.
 */

import { spawnSync } from 'node:child_process';
import { openSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bundleCommandLine } from './build/command-line.mjs';
import { buildCommonJs } from './build/commonjs.mjs';
import { replaceFolder } from './build/replace-folder.mjs';
import { root } from './build/root.mjs';

const require = createRequire(import.meta.url);

// The kernel lets go of the lock when this process ends, however it ends.
await require('fs-native-extensions').waitForLock(openSync(join(root, '.dist.lock'), 'w'));

// Beside `dist`, so that the source maps lead to `src` from either. A build that was killed has left its own.
const unfinished = readdirSync(root).filter((name) => name.startsWith('.dist-'));
for (const name of unfinished) rmSync(join(root, name), { recursive: true });
const fresh = `.dist-${process.pid}`;
try {
  const folder = join(root, fresh);
  if (compile()) {
    await bundleCommandLine(folder);
    await buildCommonJs(folder);
    replaceFolder(join(root, 'dist'), folder);
  }
} finally {
  rmSync(join(root, fresh), { recursive: true, force: true });
}

function compile() {
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  const args = ['-p', 'tsconfig.json', '--outDir', fresh, '--declarationDir', `${fresh}/types`];
  const { status } = spawnSync(process.execPath, [compiler, ...args], { cwd: root, stdio: 'inherit' });
  process.exitCode = status ?? 1;
  return status === 0;
}
