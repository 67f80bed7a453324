/**
 * A client connects every millisecond while the server behind the socket is killed: is it ever refused? See README.md.
 */

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { acquire } from 'sockref';
import { inDirectory } from '../lib/directory.mjs';
import { labOptions } from '../lib/options.mjs';
import { processesOf } from '../lib/processes.mjs';
import { progress, report } from '../lib/report.mjs';
import { until } from '../lib/until.mjs';

// After each kill in a row the pause is twice as long: four of them keep the queue well below its limit.
const { rounds, kills, json } = labOptions({ rounds: 10, kills: 4 });

const program = fileURLToPath(new URL('../../examples/http/server.mjs', import.meta.url));
const watchdogMs = 120_000;
/** Connections between two kills, while a server is there. */
const between = 200;

/**
 * @typedef {object} Figures
 * @property {string} mode
 * @property {number} kills
 * @property {number} connections that were tried
 * @property {number} answered
 * @property {number} broken accepted by a server that was killed then
 * @property {number} refused
 */

/** @type {string[]} */
const problems = [];
const figures = await inDirectory(run);
const [ours, other] = figures;
if (!ours || ours.refused > 0) problems.push('a client was refused');
if (!ours || ours.answered === 0) problems.push('no client was answered: nothing was shown');
if (!other?.refused) problems.push('without activation no client was refused either: nothing was shown');
const rows = figures.map((line) => ({
  'the server': line.mode,
  kills: line.kills,
  connections: line.connections,
  answered: line.answered,
  'broken off': line.broken,
  REFUSED: line.refused,
}));
const notes = ['The last row is there to show that a client is refused where the server has to make its own socket.'];
report({ lab: 'restart', ok: problems.length === 0, rows, problems, notes, figures }, json);

/** @param {string} directory */
async function run(directory) {
  process.env['XDG_STATE_HOME'] = join(directory, 'state');
  const sums = [];
  for (const activate of [true, false]) {
    const sum = { mode: activate ? 'is handed its socket' : 'is given a path', ...nothing() };
    for (let number = 1; number <= rounds; number++) {
      const own = join(directory, `${activate}-${number}`);
      mkdirSync(own, { mode: 0o700 });
      add(sum, await round(own, activate));
      progress(`${sum.mode}: ${number} of ${rounds}`);
    }
    sums.push(sum);
  }
  progress('');
  return sums;
}

/**
 * @param {string} directory
 * @param {boolean} activate
 */
async function round(directory, activate) {
  const path = join(directory, 'web.sock');
  const command = [process.execPath, program];
  const reference = await acquire(path, { server: { command, activate, restart: kills } });
  const counts = nothing();
  /** @type {Set<Promise<void>>} */
  const open = new Set();
  const timer = setInterval(() => {
    counts.connections++;
    const request = ask(path, counts).finally(() => open.delete(request));
    open.add(request);
  }, 1);
  for (; counts.kills < kills; counts.kills++) {
    await answers(counts);
    const server = serverOf(path);
    process.kill(server, 'SIGKILL');
    await until(() => serverOf(path) !== server, watchdogMs);
  }
  await answers(counts);
  clearInterval(timer);
  await Promise.all(open);
  await reference.close();
  if (readdirSync(directory).length > 0) problems.push(`files were left: ${readdirSync(directory).join(', ')}`);
  if (!(await until(() => processesOf(directory).length === 0, watchdogMs))) problems.push('a process was left');
  return counts;
}

/**
 * Waits until so many more were answered.
 *
 * @param {{answered: number}} counts
 */
async function answers(counts) {
  const enough = counts.answered + between;
  if (!(await until(() => counts.answered >= enough, watchdogMs))) problems.push('a restarted server gave no answers');
}

/**
 * Asks once, and counts the result.
 *
 * @param {string} path
 * @param {{answered: number, broken: number, refused: number}} counts
 * @returns {Promise<void>}
 */
function ask(path, counts) {
  return new Promise((resolve) => {
    let connected = false;
    let answer = '';
    const socket = connect({ path });
    socket.on('connect', () => {
      connected = true;
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    });
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (!connected) counts.refused++;
      else if (answer.includes('hello from Node')) counts.answered++;
      else counts.broken++;
      resolve();
    });
  });
}

/** @returns {Omit<Figures, 'mode'>} */
function nothing() {
  return { kills: 0, connections: 0, answered: 0, broken: 0, refused: 0 };
}

/**
 * @param {Figures} sum
 * @param {Omit<Figures, 'mode'>} counts
 */
function add(sum, counts) {
  sum.kills += counts.kills;
  sum.connections += counts.connections;
  sum.answered += counts.answered;
  sum.broken += counts.broken;
  sum.refused += counts.refused;
}

/**
 * The server's process, as the record in the lock file names it.
 *
 * @param {string} path
 * @returns {number}
 */
function serverOf(path) {
  const lines = readFileSync(`${path}.lock`, 'utf8').split('\n').slice(0, -1);
  return lines.flatMap((line) => JSON.parse(line).server?.pgid ?? []).at(-1);
}
