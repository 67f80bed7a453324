/** Runs before each test file, so that a test run depends on nothing in the caller's environment. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeCoverage } from 'node:v8';
import { afterAll } from 'vitest';

// The first three must not lead a test out of its temporary directory, the others not change what a program prints.
for (const name of ['SOCKREF_DIR', 'SOCKREF_PATH', 'XDG_RUNTIME_DIR', 'FORCE_COLOR', 'NO_COLOR']) {
  delete process.env[name];
}

process.umask(0o022);

// Logs of servers, and what the command line keeps for its next start, must not be left in the home of whoever runs the tests.
const state = mkdtempSync(join(tmpdir(), 'sockref-state-'));
process.env['XDG_STATE_HOME'] = state;
const cache = mkdtempSync(join(tmpdir(), 'sockref-cache-'));
process.env['XDG_CACHE_HOME'] = cache;
afterAll(() => {
  for (const directory of [state, cache]) rmSync(directory, { recursive: true, force: true });
});

// Property-based tests take the library's number of runs, unless a nightly run or the caller asks for more.
const NIGHTLY_RUNS = 2000;
const numRuns = Number(process.env['FC_NUM_RUNS'] ?? (process.env['SOCKREF_NIGHTLY'] === '1' ? NIGHTLY_RUNS : 0));
if (numRuns > 0) {
  const { configureGlobal } = await import('fast-check');
  configureGlobal({ numRuns });
}

// Node writes coverage when a process ends by itself, but the runner ends the processes of its pool with a signal.
// Hooks run last in, first out: this one runs after all hooks of the test file.
if (process.env['NODE_V8_COVERAGE']) {
  afterAll(() => takeCoverage());
}
