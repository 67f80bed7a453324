/** Runs before each test file, so that a test run depends on nothing in the caller's environment. */

import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeCoverage } from 'node:v8';
import { afterAll } from 'vitest';
import { endProcessesOf } from '../labs/lib/processes.mjs';
import { isPassable } from '../scripts/passable.mjs';

for (const name of Object.keys(process.env)) {
  // Variables that would lead a test out of its temporary directory, or its programs to another server or configuration.
  const leads =
    /^(SOCKREF_(DIR|PATH|DEBUG)|XDG_RUNTIME_DIR|PG.*|REDISCLI_.*|PYTHON.*|NODE_(OPTIONS|EXTRA_CA_CERTS|PATH))$/;
  // Variables that would change the messages of a program.
  const words =
    /^(FORCE_COLOR|NO_COLOR|NODE_(DISABLE_COLORS|DEBUG|NO_WARNINGS|PENDING_DEPRECATION)|LANG|LANGUAGE|LC_.*|TZ)$/;
  if (leads.test(name) || words.test(name)) delete process.env[name];
}
process.env['TERM'] = 'dumb';
process.env['LC_ALL'] = 'C.UTF-8';

process.umask(0o022);

/** How many bytes the path of the temporary directories may have: with the names of a test it must fit into a socket's address. */
const maxPlaceBytes = 24;

// The tests of a file create everything in one directory, which is empty at the end. Other users can pass through it.
const place = mkdtempSync(join(base(), 'sr-'));
chmodSync(place, 0o711);
process.env['TMPDIR'] = place;
// Registered first, it runs last: it ends the processes that a test left, even stopped ones. All have TMPDIR in their environment.
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

// npm finds its cache through the home.
process.env['npm_config_cache'] ??= join(homedir(), '.npm');
process.env['npm_config_userconfig'] ??= join(homedir(), '.npmrc');

// Logs of servers, and the code cache of the command line, must not be left in the home of the user who runs the tests,
// and its configuration must not count.
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

// Node writes coverage at a normal exit, but the runner ends the processes of its pool with a signal.
// Hooks run last in, first out: this one runs after all hooks of the test file.
if (process.env['NODE_V8_COVERAGE']) {
  afterAll(() => takeCoverage());
}
