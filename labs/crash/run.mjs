/** Kills a process at every system call of each phase of a socket's life. See README.md. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { inDirectory } from '../lib/directory.mjs';
import { labOptions } from '../lib/options.mjs';
import { newSeed, Random } from '../lib/random.mjs';
import { progress, report } from '../lib/report.mjs';
import { phases } from './phases.mjs';
import { killing, outcome, pointsIn, recording } from './trace.mjs';
import { Troupe } from './trial.mjs';

/** Trials at once: each has a process under strace, and two of them use what a small machine has. */
const lanes = 2;
/** How often a point is tried again when the process died outside of its phase. */
const maxDrifts = 9;

const { points: sample, seed, json } = labOptions({ points: 0, seed: newSeed() });

/**
 * @typedef {object} Task
 * @property {import('./phases.mjs').Phase} phase
 * @property {import('./trace.mjs').Point} point
 */

/** @type {Map<string, {calls: number, tried: number, outside: number, leaks: number, stuck: number, counts: number, lost: number}>} */
const tally = new Map(
  phases.map(({ name }) => [name, { calls: 0, tried: 0, outside: 0, leaks: 0, stuck: 0, counts: 0, lost: 0 }]),
);
/** @type {string[]} */
const problems = [];

await inDirectory(run);
const lines = [...tally].map(([phase, line]) => ({ phase, ...line }));
const total = { phase: 'all', calls: 0, tried: 0, outside: 0, leaks: 0, stuck: 0, counts: 0, lost: 0 };
for (const line of lines) {
  for (const name of /** @type {const} */ (['calls', 'tried', 'outside', 'leaks', 'stuck', 'counts', 'lost'])) {
    total[name] += line[name];
  }
}
const rows = [...lines, total].map((line) => ({
  phase: line.phase,
  'killed when it': phases.find(({ name }) => name === line.phase)?.what ?? '',
  calls: line.calls,
  'points tried': line.tried,
  missed: line.outside,
  leaks: line.leaks,
  'stuck acquires': line.stuck,
  'wrong counts': line.counts,
  'lost references': line.lost,
}));
const notes = [
  sample > 0 ? `A sample of ${sample} points; repeat it with --points ${sample} --seed ${seed}.` : 'Every point.',
];
const ok = problems.length === 0 && total.tried > 0;
report({ lab: 'crash', ok, rows, problems, notes, figures: { seed, total, phases: lines } }, json);

/** @param {string} directory */
async function run(directory) {
  const troupes = await Promise.all(Array.from({ length: lanes }, () => Troupe.start()));
  const tasks = await record(directory, /** @type {Troupe} */ (troupes[0]));
  const chosen = sample > 0 ? choose(tasks) : tasks;
  const queue = [...chosen];
  await Promise.all(
    troupes.map(async (troupe, lane) => {
      for (let task = queue.shift(); task; task = queue.shift()) {
        await attempt(directory, join(directory, `trace-${lane}`), troupe, task);
        progress(`${chosen.length - queue.length} of ${chosen.length}`);
      }
    }),
  );
  progress('');
  await Promise.all(troupes.map((troupe) => troupe.end()));
}

/**
 * Plays each phase once without harm, to learn of its calls.
 *
 * @param {string} directory
 * @param {Troupe} troupe
 */
async function record(directory, troupe) {
  /** @type {Task[]} */
  const tasks = [];
  for (const phase of phases) {
    const file = join(directory, 'trace');
    note(
      { phase, point: { call: 'none', ordinal: 0, inside: 0 } },
      await troupe.play(directory, phase, recording(file)),
    );
    const points = pointsIn(file);
    line(phase).calls = points.length;
    tasks.push(...points.map((point) => ({ phase, point })));
  }
  return tasks;
}

/**
 * A sample in which every phase has its part, however few calls it has.
 *
 * @param {Task[]} tasks
 */
function choose(tasks) {
  const random = new Random(seed);
  const heaps = phases.map((phase) => random.shuffled(tasks.filter((task) => task.phase === phase)));
  /** @type {Task[]} */
  const chosen = [];
  while (chosen.length < sample && heaps.some((heap) => heap.length > 0)) {
    chosen.push(...heaps.flatMap((heap) => heap.splice(0, 1)));
  }
  return chosen.slice(0, sample);
}

/**
 * @param {string} directory
 * @param {string} file
 * @param {Troupe} troupe
 * @param {Task} task
 */
async function attempt(directory, file, troupe, task) {
  let { point } = task;
  for (let drift = 0; drift <= maxDrifts; drift++) {
    rmSync(file, { force: true });
    note({ ...task, point }, await troupe.play(directory, task.phase, killing(file, point)));
    const came = outcome(file, point);
    if (came.hit) {
      line(task.phase).tried++;
      return;
    }
    point = came.next;
  }
  line(task.phase).outside++;
}

/**
 * @param {Task} task
 * @param {import('./trial.mjs').Findings} findings
 */
function note({ phase, point }, findings) {
  for (const kind of /** @type {const} */ (['leaks', 'stuck', 'counts', 'lost'])) {
    if (findings[kind].length === 0) continue;
    line(phase)[kind]++;
    problems.push(`${phase.name}, killed at ${point.call} #${point.ordinal}: ${kind}: ${findings[kind].join('; ')}`);
  }
}

/** @param {import('./phases.mjs').Phase} phase */
function line({ name }) {
  const found = tally.get(name);
  if (!found) throw new Error(`no phase ${name}`);
  return found;
}
