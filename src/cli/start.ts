#!/usr/bin/env node
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { unsupportedRuntime } from '../runtime.js';
import { CodeCache, codeCacheDirectory } from './code-cache.js';

// What `sockref` is as a program: it loads the command line, for `run` with what V8 made of that the last time. It exists only
// bundled, as a module of CommonJS beside the one file that the command line has become.

/** The name of that file, which changes with its content; it has only characters of ASCII. */
declare const PROGRAM: string;

// Before the command line is loaded, which needs what such a runtime lacks. The statuses are those of any failure.
const unsupported = unsupportedRuntime();
if (unsupported !== undefined) {
  process.stderr.write(`sockref: ${unsupported}\n`);
  process.exit(process.argv[2] === 'run' ? 125 : 1);
}

const file = join(__dirname, PROGRAM);
// Only `run` has to be quick.
const directory = process.argv[2] === 'run' ? codeCacheDirectory(process.env) : undefined;
if (directory === undefined) require(file);
else loadKept(new CodeCache(directory, `${PROGRAM}-${process.version}-${process.arch}`, keyOf(file)));

/** V8 takes nothing that was made with other flags; without them here two callers would replace each other's all the time. */
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
    // At the end, when all that was needed has been compiled.
    process.once('exit', () => cache.write(script.createCachedData()));
  }
  script.runInThisContext()(require, file);
}
