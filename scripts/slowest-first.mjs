/**
 * Writes down which test files took longest in the last run, from the report that it left. The next runs begin with them.
 * Run it when that has changed much: `npm test && node scripts/slowest-first.mjs`.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Milliseconds: the order of those that take less does not matter. */
const shortMs = 3_000;

/** @type {{testResults: {name: string, startTime: number, endTime: number}[]}} */
const { testResults } = JSON.parse(readFileSync(new URL('../coverage/tests.json', import.meta.url), 'utf8'));
const files = testResults
  .map(({ name, startTime, endTime }) => ({ name: relative(root, name), ms: endTime - startTime }))
  .filter(({ ms }) => ms > shortMs)
  .sort((a, b) => b.ms - a.ms)
  .map(({ name }) => name);
writeFileSync(new URL('../test/slowest-first.json', import.meta.url), `${JSON.stringify(files, undefined, 2)}\n`);
