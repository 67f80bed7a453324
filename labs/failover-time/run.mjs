/** How long a socket is unavailable when its owner is killed. See README.md. */

import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inDirectory } from '../lib/directory.mjs';
import { labOptions } from '../lib/options.mjs';
import { Process, startAll } from '../lib/process.mjs';
import { progress, report } from '../lib/report.mjs';
import { median, round, worst } from '../lib/statistics.mjs';
import { until, within } from '../lib/until.mjs';

const { trials, largest, json } = labOptions({ trials: 100, largest: 100 });

/** How many members, in how many processes: more processes than that would measure the scheduler. */
const casts = [
  { members: 1, processes: 1 },
  { members: 10, processes: 10 },
  { members: 100, processes: 10 },
].filter(({ members }) => members <= largest);
const watchdogMs = 120_000;
const program = new URL('member.mjs', import.meta.url);

/**
 * @typedef {object} Trial
 * @property {number} closed
 * @property {number} answered
 * @property {number} attached
 * @property {number} lost references that became inactive
 * @property {boolean} counted whether all agree on the count in the end
 * @property {boolean} empty whether the directory was, after all had closed
 */

/** @type {string[]} */
const problems = [];
const figures = await inDirectory(run);
const rows = figures.map(({ members, processes, trials: done, closed, answered, attached, lost }) => ({
  members,
  processes,
  trials: done,
  'lost references': lost,
  'floor, median ms': closed.median,
  'first answer, median ms': answered.median,
  'worst ms': answered.worst,
  'all attached, median ms': attached.median,
  'worst, all attached': attached.worst,
  'first answer / floor': round(answered.median / closed.median),
}));
const notes = [
  'Floor: until a plain connection to the killed process is closed. Each member is a manager of its own, several in a process.',
];
report({ lab: 'failover-time', ok: problems.length === 0, rows, problems, notes, figures }, json);

/** @param {string} directory */
async function run(directory) {
  const processes = await startAll(Math.max(...casts.map((cast) => cast.processes)), program);
  /** @type {Trial[][]} */
  const results = casts.map(() => []);
  for (let trial = 0; trial < trials; trial++) {
    // In turns, so that other work of the machine affects all of them.
    for (const [index, cast] of casts.entries()) {
      const own = join(directory, `${trial}-${index}`);
      mkdirSync(own, { mode: 0o700 });
      results[index]?.push(await failOver(join(own, 's.sock'), processes.slice(0, cast.processes), cast));
      progress(`trial ${trial + 1} of ${trials}`);
    }
  }
  progress('');
  await Promise.all(processes.map((one) => one.end()));
  return casts.map((cast, index) => summary(cast, results[index] ?? []));
}

/**
 * @param {string} path
 * @param {Process[]} processes
 * @param {{members: number}} cast
 * @returns {Promise<Trial>}
 */
async function failOver(path, processes, { members }) {
  const owner = await Process.start(program);
  await owner.ask('own', path);
  const managers = members / processes.length;
  await Promise.all(processes.map((one) => one.ask('hold', { path, managers })));
  const [killer] = /** @type {[Process]} */ (processes);
  const { killed, closed, answered } = await killer.ask('kill', { path, owner: owner.pid });
  const again = await within(Promise.all(processes.map((one) => one.ask('attached'))), watchdogMs);
  const attached = again === 'late' ? Number.POSITIVE_INFINITY : Math.max(...again) - killed;
  /** @type {number[]} */
  let counts = [];
  const counted = await until(async () => {
    counts = (await Promise.all(processes.map((one) => one.ask('counts')))).flat();
    return counts.length === members && counts.every((count) => count === members);
  }, watchdogMs);
  const lost = counts.filter((count) => count === 0).length;
  await Promise.all(processes.map((one) => one.ask('end')));
  await owner.ended;
  const empty = readdirSync(join(path, '..')).length === 0;
  return { closed, answered, attached, lost, counted, empty };
}

/**
 * @param {{members: number, processes: number}} cast
 * @param {Trial[]} done
 */
function summary(cast, done) {
  const lost = done.reduce((sum, trial) => sum + trial.lost, 0);
  if (lost > 0) problems.push(`${cast.members} members: ${lost} references were lost`);
  if (!done.every(({ counted }) => counted)) problems.push(`${cast.members} members: not all agree on the count`);
  if (!done.every(({ empty }) => empty)) problems.push(`${cast.members} members: something was left behind`);
  if (!done.every(({ attached }) => Number.isFinite(attached)))
    problems.push(`${cast.members} members: not all came back`);
  /** @param {(trial: Trial) => number} of */
  const times = (of) => ({ median: round(median(done.map(of))), worst: round(worst(done.map(of))) });
  return {
    ...cast,
    trials: done.length,
    lost,
    closed: times(({ closed }) => closed),
    answered: times(({ answered }) => answered),
    attached: times(({ attached }) => attached),
  };
}
