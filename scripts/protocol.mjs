/**
 * Makes the tables that TypeScript, Python and the docs share from protocol.json. `npm run protocol` writes them;
 * `npm run check:protocol` (`--check`) fails if a file differs from what it would write. An argument names another folder
 * that has the project.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { root as home } from './build/root.mjs';
import { differences } from './protocol/files.mjs';

const check = process.argv.includes('--check');
const root = resolve(process.argv.slice(2).find((each) => each !== '--check') ?? home);

const { all, different } = differences(root);
for (const [file, text] of different) {
  if (check) console.error(`${file} is not what protocol.json says; run npm run protocol`);
  else {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
    console.log(`wrote ${file}`);
  }
}
if (different.length === 0) console.log(`${all} files agree with protocol.json`);
else if (check) process.exitCode = 1;
