/**
 * Makes the tables that TypeScript, Python and the docs share from protocol.json. `npm run protocol` writes them;
 * `npm run check:protocol` (`--check`) fails if a file differs from what it would write. An argument names another folder
 * that has the project.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { root as home } from './build/root.mjs';
import { cases } from './protocol/cases.mjs';
import { tablesOf, withTables } from './protocol/markdown.mjs';
import { python } from './protocol/python.mjs';
import { typescript } from './protocol/typescript.mjs';

const check = process.argv.includes('--check');
const root = resolve(process.argv.slice(2).find((each) => each !== '--check') ?? home);
/** @type {import('./protocol/protocol.mjs').Protocol} */
const protocol = JSON.parse(read('protocol.json'));

/** What each file must have. @type {Map<string, string>} */
const wanted = new Map();
for (const [name, text] of Object.entries(typescript(protocol))) {
  wanted.set(`src/protocol/${name}.ts`, formatted(`src/protocol/${name}.ts`, text));
}
for (const [name, text] of Object.entries(python(protocol))) {
  wanted.set(`python/src/sockref/_protocol/${name}.py`, text);
}
for (const page of Object.keys(tablesOf(protocol))) {
  wanted.set(page, withTables(page, read(page), protocol));
}
wanted.set('test/vectors/shapes.json', formatted('test/vectors/shapes.json', JSON.stringify(cases(protocol))));

const different = [...wanted].filter(([file, text]) => read(file) !== text);
for (const [file, text] of different) {
  if (check) console.error(`${file} is not what protocol.json says; run npm run protocol`);
  else {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
    console.log(`wrote ${file}`);
  }
}
if (different.length === 0) console.log(`${wanted.size} files agree with protocol.json`);
else if (check) process.exitCode = 1;

/** @param {string} file */
function read(file) {
  const path = join(root, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** As the formatter leaves it, so that the linter accepts the file. @param {string} file @param {string} input */
function formatted(file, input) {
  const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome');
  const args = [biome, 'format', `--stdin-file-path=${file}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: home, input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} cannot be formatted: ${stderr}`);
  return stdout;
}
