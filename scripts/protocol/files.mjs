/** What each file must have that is made from protocol.json. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root as home } from '../build/root.mjs';
import { cases } from './cases.mjs';
import { tablesOf, withTables } from './markdown.mjs';
import { python } from './python.mjs';
import { typescript } from './typescript.mjs';

/** What the formatter makes of a file, by its name and text: it is a program, and takes longer than all else here. */
const formats = new Map();

/**
 * The files that differ from what protocol.json says, with the text that they must have, and the number of all.
 *
 * @param {string} root the folder that has the project
 */
export function differences(root) {
  const read = (/** @type {string} */ file) => textOf(join(root, file));
  /** @type {import('./protocol.mjs').Protocol} */
  const protocol = JSON.parse(read('protocol.json'));
  /** @type {Map<string, string>} */
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
  return { all: wanted.size, different: [...wanted].filter(([file, text]) => read(file) !== text) };
}

/** @param {string} path */
function textOf(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/**
 * As the formatter leaves it, so that the linter accepts the file.
 *
 * @param {string} file
 * @param {string} input
 * @returns {string}
 */
function formatted(file, input) {
  const key = `${file}\n${input}`;
  const found = formats.get(key) ?? format(file, input);
  formats.set(key, found);
  return found;
}

/**
 * @param {string} file
 * @param {string} input
 */
function format(file, input) {
  const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome');
  const args = [biome, 'format', `--stdin-file-path=${file}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: home, input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} cannot be formatted: ${stderr}`);
  return stdout;
}
