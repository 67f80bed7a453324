/** Runs before each test file, so that a test run depends on nothing in the caller's environment. */

import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeCoverage } from 'node:v8';
import { afterAll } from 'vitest';
import { endProcessesOf } from '../labs/lib/processes.mjs';
import { isPassable } from '../scripts/passable.mjs';

for (const name of Object.keys(process.env)) {
  // What would lead a test out of its temporary directory, or a program that it runs to another server or another configuration.
  const leads =
    /^(SOCKREF_(DIR|PATH|DEBUG)|XDG_RUNTIME_DIR|PG.*|REDISCLI_.*|PYTHON.*|NODE_(OPTIONS|EXTRA_CA_CERTS|PATH))$/;
  // What would change the words that a program prints.
  const words =
    /^(FORCE_COLOR|NO_COLOR|NODE_(DISABLE_COLORS|DEBUG|NO_WARNINGS|PENDING_DEPRECATION)|LANG|LANGUAGE|LC_.*|TZ)$/;
  if (leads.test(name) || words.test(name)) delete process.env[name];
}
process.env['TERM'] = 'dumb';
process.env['LC_ALL'] = 'C.UTF-8';

process.umask(0o022);

/** Bytes that the path of the place for temporary directories may have: with all that a test adds it is to fit into a socket's address. */
const maxPlaceBytes = 24;

// All that the tests of a file make lies in a place of its own, which ends empty. Other users can pass through it.
const place = mkdtempSync(join(base(), 'sr-'));
chmodSync(place, 0o711);
process.env['TMPDIR'] = place;
// Registered first, it runs last: what a test left in its middle, be it stopped, is not to go on. All have TMPDIR in their environment.
afterAll(() => endProcessesOf(place));
afterAll(() => {
  const left = readdirSync(place);
  rmSync(place, { recursive: true, force: true });
  if (left.length > 0) throw new Error(`Temporary files were left: ${left.join(', ')}`);
});

function base(): string {
  const wanted = realpathSync(tmpdir());
  return wanted.length <= maxPlaceBytes && /^[\w/.-]+$/.test(wanted) && isPassable(wanted)
    ? wanted
    : realpathSync('/tmp');
}

// npm knows by the home where it keeps what it has fetched.
process.env['npm_config_cache'] ??= join(homedir(), '.npm');
process.env['npm_config_userconfig'] ??= join(homedir(), '.npmrc');

// Logs of servers, and what the command line keeps for its next start, must not be left in the home of whoever runs the tests,
// and what is configured there must not count.
for (const [name, folder] of [
  ['HOME', 'home'],
  ['XDG_STATE_HOME', 'state'],
  ['XDG_CACHE_HOME', 'cache'],
] as const) {
  const directory = join(place, folder);
  mkdirSync(directory, { mode: 0o700 });
  process.env[name] = directory;
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
}

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
