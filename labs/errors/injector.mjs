/** The preloaded library that makes calls fail, and its log. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('inject.c', import.meta.url));

/**
 * Compiles the library into a directory.
 *
 * @param {string} directory
 */
export function compileInjector(directory) {
  const library = join(directory, 'inject.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl', '-lpthread']);
  return library;
}

/**
 * The environment that starts a program with the library in it.
 *
 * @param {string} library
 * @param {string} root below which all paths are sockref's
 */
export function injecting(library, root) {
  return ['env', `LD_PRELOAD=${library}`, `SOCKREF_ERRORS_ROOT=${root}`];
}

/**
 * One point: a call, which of them it was, what it concerned, and whether it failed.
 *
 * @typedef {{call: string, number: number, what: string, hit: boolean}} Point
 */

/**
 * The points in a log. Removes the log.
 *
 * @param {string} log
 * @returns {Point[]}
 */
export function pointsIn(log) {
  if (!existsSync(log)) return [];
  const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1);
  rmSync(log);
  return lines.map((line) => {
    const [, call = '', number, what = '', hit] = /^(\w+) (\d+) (.*?)( hit)?$/.exec(line) ?? [];
    return { call, number: Number(number), what, hit: hit !== undefined };
  });
}
