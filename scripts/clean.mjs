/** Removes the folders named as arguments, which must lie inside the package: `node scripts/clean.mjs dist`. */

import { rm } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

for (const name of process.argv.slice(2)) {
  const folder = resolve(root, name);
  if (!folder.startsWith(root + sep)) {
    throw new Error(`${name} is not inside ${root}`);
  }
  await rm(folder, { recursive: true, force: true });
}
