#!/usr/bin/env node
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { unsupportedRuntime } from '../runtime.js';
import { CodeCache, codeCacheDirectory } from './code-cache.js';

// The program `sockref`. It loads the command line; for `run` with the code that V8 compiled the last time. It exists
// only bundled, as a CommonJS module beside the single file of the command line.

/** The name of that file. It contains a hash of the content, and only ASCII characters. */
declare const PROGRAM: string;

// Before the command line is loaded, which needs what an unsupported runtime lacks. The statuses are those of any
// failure.
const unsupported = unsupportedRuntime();
if (unsupported !== undefined) {
  process.stderr.write(`sockref: ${unsupported}\n`);
  process.exit(process.argv[2] === 'run' ? 125 : 1);
}

const file = join(__dirname, PROGRAM);
// Only `run` must start fast.
const directory = process.argv[2] === 'run' ? codeCacheDirectory(process.env) : undefined;
if (directory === undefined) require(file);
else loadKept(new CodeCache(directory, `${PROGRAM}-${process.version}-${process.arch}`, keyOf(file)));

/**
 * V8 refuses code that was compiled with other flags. Without them in the key, two callers would replace each other's
 * code each time.
 */
function keyOf(program: string): string {
  const { mtimeMs, size } = statSync(program);
  return JSON.stringify([program, mtimeMs, size, process.version, process.execArgv, process.env['NODE_OPTIONS']]);
}

function loadKept(cache: CodeCache): void {
  const cachedData = cache.read();
  const script = new Script(`(function (require, __filename) {${readFileSync(file, 'latin1')}\n})`, {
    filename: file,
    ...(cachedData && { cachedData }),
  });
  if (!cachedData || script.cachedDataRejected) {
    // At the end, when all functions that were needed have been compiled.
    process.once('exit', () => cache.write(script.createCachedData()));
  }
  script.runInThisContext()(require, file);
}
