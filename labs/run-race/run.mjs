/** Ten `sockref run` start at the same instant. How many servers start, and what is left? See README.md. */

import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { inDirectory } from '../lib/directory.mjs';
import { labOptions } from '../lib/options.mjs';
import { processesOf } from '../lib/processes.mjs';
import { sockref } from '../lib/program.mjs';
import { progress, report } from '../lib/report.mjs';
import { median, round, worst } from '../lib/statistics.mjs';
import { until, within } from '../lib/until.mjs';

const { rounds, processes, json } = labOptions({ rounds: 50, processes: 10 });

const server = fileURLToPath(new URL('server.sh', import.meta.url));
const client = fileURLToPath(new URL('client.sh', import.meta.url));
const watchdogMs = 120_000;
/** Each command has its own status, below those with a meaning for a shell and for `sockref run`. */
const statuses = Array.from({ length: processes }, (_, index) => (index * 7) % 119);

/**
 * @typedef {object} Round
 * @property {number} starts how often a server was started
 * @property {number} servers how many the commands have met
 * @property {number} ownStatus how many `sockref run` ended with their own command's status
 * @property {string[]} files what was left when the last of them had ended
 * @property {boolean} processesGone
 * @property {number} ms until the last of them had ended
 * @property {number} goneMs from then until the last process was gone
 */

/** @type {string[]} */
const problems = [];
const done = await inDirectory(run);
const good = done.filter(isGood).length;
const rows = [
  {
    rounds: done.length,
    'as it must be': good,
    'other than one server': done.filter(({ starts, servers }) => starts !== 1 || servers !== 1).length,
    'other statuses': done.reduce((sum, { ownStatus }) => sum + processes - ownStatus, 0),
    'files left': done.reduce((sum, { files }) => sum + files.length, 0),
    'processes left': done.filter(({ processesGone }) => !processesGone).length,
    'median ms': round(median(done.map(({ ms }) => ms))),
    'worst ms': round(worst(done.map(({ ms }) => ms))),
    'gone after ms': round(worst(done.map(({ goneMs }) => goneMs))),
  },
];
const notes = [`${processes} times \`sockref run\` in each round, all commands of which wait for each other.`];
report({ lab: 'run-race', ok: problems.length === 0, rows, problems, notes, figures: { rounds: done, good } }, json);

/** @param {string} directory */
async function run(directory) {
  const results = /** @type {Round[]} */ ([]);
  for (let number = 1; number <= rounds; number++) {
    const result = await race(join(directory, `round-${number}`));
    if (!isGood(result)) problems.push(`round ${number}: ${JSON.stringify(result)}`);
    results.push(result);
    progress(`${number} of ${rounds}`);
  }
  progress('');
  return results;
}

/**
 * @param {string} own the directory of the round
 * @returns {Promise<Round>}
 */
async function race(own) {
  const sockets = join(own, 'sockets');
  for (const folder of [own, sockets]) mkdirSync(folder, { mode: 0o700 });
  const starts = join(own, 'starts');
  const serve = `"${server}" "${starts}" {socket}`;
  const env = { ...process.env, XDG_STATE_HOME: join(own, 'state') };
  const began = performance.now();
  const commands = statuses.map((status) => {
    const args = [
      'run',
      join(sockets, 'cache.sock'),
      '--serve',
      serve,
      '--',
      client,
      String(processes),
      String(status),
    ];
    return start([sockref, ...args], env);
  });
  const ends = await within(Promise.all(commands), watchdogMs);
  const ended = performance.now();
  const files = readdirSync(sockets);
  const processesGone = await until(() => processesOf(own).length === 0, watchdogMs);
  const goneMs = performance.now() - ended;
  // The processes of a failed round must not disturb the next one.
  for (const pid of processesOf(own)) process.kill(pid, 'SIGKILL');
  const outcomes = ends === 'late' ? [] : ends;
  for (const { stderr } of outcomes) if (stderr) problems.push(stderr);
  return {
    starts: readFileSync(starts, 'utf8').split('\n').length - 1,
    servers: new Set(outcomes.map(({ stdout }) => stdout)).size,
    ownStatus: outcomes.filter(({ code }, index) => code === statuses[index]).length,
    files,
    processesGone,
    ms: ended - began,
    goneMs,
  };
}

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
async function start(args, env) {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  /** @type {Promise<number | null>} */
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { stdout, stderr, code };
}

/** @param {Round} result */
function isGood({ starts, servers, ownStatus, files, processesGone }) {
  return starts === 1 && servers === 1 && ownStatus === processes && files.length === 0 && processesGone;
}
