/**
 * Runs the whole suite on each version of Node and of Python that is supported, and says what failed where: `npm run
 * test:versions [-- --node 22 … --python python3.13 … --only test/… ]`.
 *
 * The versions of Node come from npm's package `node`. Those of Python are the programs `python3.11` to `python3.13`:
 * found on PATH, or named by their paths in SOCKREF_PYTHONS, with colons in between. Each version of Python runs with
 * the first version of Node, and only the tests that use Python.
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { failuresOf, reportOf } from './report.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const report = new URL('../coverage/tests.json', import.meta.url);

/** The first supported release, and the newest one of each later long-term release line. */
const nodes = ['20.19', '22', '24', '26'];

const pythons = ['python3.11', 'python3.12', 'python3.13'];

/** The tests that use Python. */
const ofPython = [
  'test/python',
  'test/ownership/conformance-python.test.ts',
  'test/ownership/conformance-mixed.test.ts',
  'test/labs/crash-python.test.ts',
  'test/labs/start-race-python.test.ts',
];

const { values } = parseArgs({
  options: {
    node: { type: 'string', multiple: true, default: nodes },
    python: { type: 'string', multiple: true, default: process.env['SOCKREF_PYTHONS']?.split(delimiter) ?? pythons },
    only: { type: 'string', multiple: true, default: [] },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'sockref-versions-'));
// Other users run Node from there, too.
chmodSync(folder, 0o755);
/** @type {{name: string, failures: string[], passed: number, skipped: number}[]} */
const runs = [];
/** @type {string[]} */
const missing = [];
try {
  for (const version of values.node) onNode(version);
  for (const program of values.python) onPython(program);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const { name, failures, passed, skipped } of runs) {
  console.log(
    `${name.padEnd(24)} ${passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
  );
  for (const failure of failures) console.log(`  FAILED: ${failure}`);
}
for (const name of missing) console.log(`${name.padEnd(24)} is not there`);
process.exitCode =
  runs.length === 0 || runs.some(({ failures, passed }) => failures.length > 0 || passed === 0) ? 1 : 0;

/** @param {string} version */
function onNode(version) {
  const prefix = join(folder, `node-${version}`);
  mkdirSync(prefix);
  writeFileSync(join(prefix, 'package.json'), '{ "private": true }');
  const install = ['install', '--prefix', prefix, '--no-audit', '--no-fund', `node@${version}`];
  if (spawnSync('npm', install, { stdio: ['ignore', 'inherit', 'inherit'] }).status !== 0) {
    missing.push(`Node ${version}`);
    return;
  }
  const bin = join(prefix, 'node_modules/node/bin');
  const { stdout } = spawnSync(join(bin, 'node'), ['--version'], { encoding: 'utf8' });
  suite(`Node ${stdout.trim()}`, bin, values.only);
}

/** @param {string} program */
function onPython(program) {
  const { stdout, error } = spawnSync(program, ['-c', 'import sys; print(sys.executable, sys.version.split()[0])'], {
    encoding: 'utf8',
  });
  const [executable, version] = error ? [] : stdout.trim().split(' ');
  if (!executable) {
    missing.push(program);
    return;
  }
  const bin = join(folder, `python-${version}`);
  mkdirSync(bin);
  symlinkSync(executable, join(bin, 'python3'));
  suite(`Python ${version}`, bin, values.only.length > 0 ? values.only : ofPython);
}

/**
 * @param {string} name
 * @param {string} bin the folder that is looked into first
 * @param {readonly string[]} only
 */
function suite(name, bin, only) {
  console.log(`\n=== ${name}`);
  rmSync(report, { force: true });
  const env = { ...process.env, PATH: [bin, process.env['PATH']].join(delimiter) };
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...only];
  spawnSync('node', args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
  const { failures, passed, skipped } = failuresOf(reportOf(report), root);
  runs.push({ name, failures, passed, skipped: skipped.length });
}
