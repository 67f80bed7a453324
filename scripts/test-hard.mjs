/**
 * Runs the whole suite in hostile surroundings, and says what failed in which: `npm run test:hard [-- --in NAME …
 * --rounds N --only test/… --keep]`. Only root can create them.
 *
 * It tests the last commit, in a copy of this checkout. Every surrounding also has unusual environment variables: see
 * `hostile`. Surroundings can be joined: `--in namespace+closed+busy` is all three at once.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isPassable } from './passable.mjs';
import { failuresOf, reportOf } from './report.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));

/** The user `nobody`, which owns nothing else. Some programs refuse to run as a user that the system does not know. */
const uid = 65_534;

/**
 * @typedef {object} Place
 * @property {string} base a directory for it alone
 * @property {string} checkout the copy of the project
 * @property {NodeJS.ProcessEnv} env
 *
 * @typedef {object} Surrounding
 * @property {string} what
 * @property {(place: Place) => void} [prepare] what is changed before the suite runs
 * @property {readonly string[]} [under] the command that runs the suite
 * @property {number} [busy] how many processes compute meanwhile
 */

/** @type {Record<string, Surrounding>} */
const surroundings = {
  namespace: {
    what: 'a fresh namespace of process ids',
    under: ['unshare', '--pid', '--fork', '--mount-proc'],
  },
  closed: {
    what: 'a checkout that only root may enter, with a space in its path, reached by a symbolic link',
    prepare: (place) => {
      chmodSync(place.base, 0o700);
      const link = join(place.base, 'a link');
      symlinkSync(place.checkout, link);
      place.checkout = link;
    },
  },
  user: {
    what: 'an ordinary user',
    prepare: asUser,
    under: ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'],
  },
  busy: {
    what: 'beside as many busy loops as there are cores',
    busy: availableParallelism(),
  },
};

const { values } = parseArgs({
  options: {
    in: { type: 'string', multiple: true, default: Object.keys(surroundings) },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', multiple: true, default: [] },
    keep: { type: 'boolean', default: false },
  },
});
const unknown = values.in.flatMap(partsOf).filter((name) => !(name in surroundings));
if (unknown.length > 0)
  fail(`there is no surrounding ${unknown.join(', ')}; there are ${Object.keys(surroundings).join(', ')}`);
if (process.getuid?.() !== 0) fail('only root can make these surroundings; run it as root');

/** @type {{name: string, round: number, failures: string[], passed: number, skipped: string[], seconds: number}[]} */
const runs = [];
for (const name of values.in) {
  const surrounding = joined(partsOf(name).map((part) => /** @type {Surrounding} */ (surroundings[part])));
  const place = prepare(name);
  try {
    surrounding.prepare?.(place);
    for (let round = 1; round <= Number(values.rounds); round++) runs.push(await play(name, surrounding, place, round));
  } finally {
    if (values.keep) console.log(`kept: ${place.base}`);
    else rmSync(place.base, { recursive: true, force: true });
  }
}
summarise();

/** @param {string} name */
function partsOf(name) {
  return name.split('+');
}

/**
 * @param {readonly Surrounding[]} parts
 * @returns {Surrounding}
 */
function joined(parts) {
  return {
    what: parts.map(({ what }) => what).join(', '),
    prepare: (place) => {
      for (const part of parts) part.prepare?.(place);
    },
    under: parts.flatMap(({ under = [] }) => under),
    busy: Math.max(...parts.map(({ busy = 0 }) => busy)),
  };
}

/**
 * Copies the last commit, builds it, and creates a surrounding.
 *
 * @param {string} name
 * @returns {Place}
 */
function prepare(name) {
  const base = mkdtempSync(join(tmpdir(), `sockref-hard-${name}-`));
  chmodSync(base, 0o755);
  const checkout = join(base, 'a checkout');
  run('git', ['clone', '--quiet', root, checkout], root);
  cpSync(join(root, 'node_modules'), join(checkout, 'node_modules'), { recursive: true, verbatimSymlinks: true });
  run('npm', ['run', '--silent', 'build'], checkout);
  return { base, checkout, env: hostile(base) };
}

/**
 * An environment with every variable that could mislead a test.
 *
 * @param {string} base
 */
function hostile(base) {
  const temporary = join(base, `a temporary directory with a long name, ${'x'.repeat(100)}`);
  mkdirSync(temporary, { mode: 0o700 });
  const { TERM: _, ...env } = process.env;
  return {
    ...env,
    TMPDIR: temporary,
    LC_ALL: 'tr_TR.UTF-8',
    TZ: 'Pacific/Chatham',
    FORCE_COLOR: '1',
    SOCKREF_DIR: join(base, 'nowhere'),
    XDG_RUNTIME_DIR: join(base, 'nowhere'),
    PGHOST: 'nowhere.invalid',
    PYTHONPATH: join(base, 'nowhere'),
    NODE_OPTIONS: '--stack-trace-limit=30',
  };
}

/** @param {Place} place */
function asUser({ base, checkout, env }) {
  const home = join(base, 'home');
  mkdirSync(home, { mode: 0o700 });
  // How to reach the registry of packages, and nothing else that root has configured.
  const settings = ['registry', 'cafile']
    .map((name) => [name, configured(name)])
    .filter(([, value]) => value !== 'null');
  writeFileSync(join(home, '.npmrc'), settings.map(([name, value]) => `${name}=${value}\n`).join(''));
  // This user cannot run programs in directories that only root can enter.
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder && isThereFor(folder));
  if (!isPassable(dirname(process.execPath)))
    fail(`an ordinary user cannot run ${process.execPath}; use a Node that lies elsewhere`);
  Object.assign(env, {
    HOME: home,
    PATH: [dirname(process.execPath), ...path].join(delimiter),
    USER: 'nobody',
    LOGNAME: 'nobody',
  });
  for (const name of Object.keys(env)) if (name.startsWith('npm_')) delete env[name];
  for (const owned of [home, checkout, String(env['TMPDIR'])])
    run('chown', ['--recursive', `${uid}:${uid}`, owned], base);
  chownSync(base, uid, uid);
}

/** A setting of npm; `null` if there is none. @param {string} name */
function configured(name) {
  return spawnSync('npm', ['config', 'get', name], { encoding: 'utf8' }).stdout.trim();
}

/** @param {string} folder */
function isThereFor(folder) {
  try {
    return isPassable(folder);
  } catch {
    return false;
  }
}

/**
 * @param {string} name
 * @param {Surrounding} surrounding
 * @param {Place} place
 * @param {number} round
 */
async function play(name, { what, under = [], busy = 0 }, { base, checkout, env }, round) {
  console.log(`\n=== ${name}, round ${round}: ${what}`);
  const report = join(checkout, 'coverage/tests.json');
  rmSync(report, { force: true });
  const loops = Array.from({ length: busy }, () => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
  const began = performance.now();
  // No files for others, few descriptors, no terminal, and signals that are ignored as below nohup.
  const shell = 'umask 077; ulimit -n 1024; trap "" HUP INT PIPE; exec "$@"';
  const suite = ['sh', '-c', shell, 'sh', process.execPath, 'node_modules/vitest/vitest.mjs', 'run', ...values.only];
  const [program, ...args] = /** @type {[string, ...string[]]} */ ([...under, ...suite]);
  const child = spawn(program, args, { cwd: checkout, env, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
  const [status] = await once(child, 'exit');
  for (const loop of loops) loop.kill('SIGKILL');
  const seconds = Math.round((performance.now() - began) / 1000);
  const { failures, passed, skipped } = failuresOf(reportOf(report), checkout);
  if (status !== 0 && failures.length === 0) failures.push(`the suite itself, with status ${status}: see above`);
  writeFileSync(join(base, `round-${round}.json`), readReport(report));
  return { name, round, failures, passed, skipped, seconds };
}

/** @param {string} report */
function readReport(report) {
  try {
    return readFileSync(report);
  } catch {
    return '';
  }
}

function summarise() {
  const columns = Math.max(...runs.map(({ name }) => name.length));
  console.log('\n=== summary\n');
  for (const { name, round, failures, passed, skipped, seconds } of runs) {
    const counts = `${passed} passed, ${failures.length} failed, ${skipped.length} skipped`;
    console.log(`${name.padEnd(columns)} round ${round}  ${String(seconds).padStart(5)} s  ${counts}`);
  }
  const all = new Set(runs.flatMap(({ failures }) => failures));
  for (const failure of all) {
    const where = runs
      .filter(({ failures }) => failures.includes(failure))
      .map(({ name, round }) => `${name} ${round}`);
    console.log(`FAILED in ${where.join(', ')}: ${failure}`);
  }
  const skipped = new Set(runs.flatMap(({ name, skipped }) => skipped.map((test) => `not run in ${name}: ${test}`)));
  for (const line of skipped) console.log(line);
  process.exitCode = all.size > 0 || runs.some(({ passed }) => passed === 0) ? 1 : 0;
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} cwd
 */
function run(program, args, cwd) {
  const { status, error } = spawnSync(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) fail(`${program} ${args.join(' ')} failed: ${error?.message ?? `status ${status}`}`);
}

/**
 * @param {string} why
 * @returns {never}
 */
function fail(why) {
  console.error(`test-hard: ${why}`);
  process.exit(1);
}
