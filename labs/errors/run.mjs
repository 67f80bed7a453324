/** Makes each system call fail, with each error that it can have, in each phase of a socket's life. See README.md. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { inDirectory } from '../lib/directory.mjs';
import { labOptions } from '../lib/options.mjs';
import { newSeed, Random } from '../lib/random.mjs';
import { progress, report } from '../lib/report.mjs';
import { compileServer } from '../lib/server.mjs';
import { errnos, nothing } from './errnos.mjs';
import { compileInjector } from './injector.mjs';
import { phases } from './phases.mjs';
import { ProgramLane, programPhases } from './programs.mjs';
import { Lane, subjects } from './trial.mjs';

/** Trials at once. */
const lanes = 2;

/** How often a phase is traced: its calls vary a little. */
const traces = 2;

/** @see thinned */
const oneIn = 50;

const kinds = /** @type {const} */ (['raw', 'leaks', 'stuck', 'counts', 'here', 'elsewhere']);

/** @typedef {{name: string, what: string}} AnyPhase */
/** @typedef {{play(phase: any, injection: import('./errnos.mjs').Injection): ReturnType<Lane['play']>, end(): Promise<void>}} AnyLane */
/** @typedef {{phase: AnyPhase, injection: import('./errnos.mjs').Injection, what: string}} Task */

const defaults = { points: 0, phase: 0, seed: newSeed(), python: 0, programs: 0 };
const { points: sample, phase: only, seed, python, programs, json } = labOptions(defaults);
const language = python > 0 ? 'python' : 'node';
/** @type {readonly AnyPhase[]} */
const all = programs > 0 ? programPhases : phases;
const chosen = only > 0 ? all.slice(only - 1, only) : all;

/** The figures of a phase. */
class Line {
  points = 0;
  tried = 0;
  missed = 0;
  raw = 0;
  leaks = 0;
  stuck = 0;
  counts = 0;
  here = 0;
  elsewhere = 0;

  /** @param {string} phase */
  constructor(phase) {
    this.phase = phase;
  }
}

/** @type {Map<string, Line>} */
const lines = new Map(chosen.map(({ name }) => [name, new Line(name)]));
const total = new Line('all');
/** The problems, and where they were found. @type {Map<string, string[]>} */
const found = new Map();

await inDirectory(async (directory) => {
  const library = compileInjector(directory);
  const server = programs > 0 ? compileServer(directory) : '';
  /** @type {AnyLane[]} */
  const pool = Array.from({ length: lanes }, (_, index) => {
    const root = join(directory, `${index}`);
    mkdirSync(root, { mode: 0o700 });
    return programs > 0 ? new ProgramLane(library, root, server) : new Lane(library, root, subjects[language]);
  });
  const tasks = (await onEach(pool, [...chosen], trace)).flat();
  const random = new Random(seed);
  const drawn = random.shuffled(tasks);
  // A trial that did not come to its point says nothing, so a sample goes on until as many calls failed as it shall have.
  const todo = sample > 0 ? Math.min(sample, drawn.length) : drawn.length;
  let done = 0;
  await onEach(pool, drawn, async (lane, task) => {
    if (sample > 0 && total.tried >= sample) return;
    await attempt(lane, task);
    done = sample > 0 ? total.tried : done + 1;
    progress(`${done} of ${todo}`);
  });
  await Promise.all(pool.map((lane) => lane.end()));
});

const rows = [...lines.values(), total].map((line) => ({
  phase: line.phase,
  'the subject': all.find(({ name }) => name === line.phase)?.what ?? '',
  points: line.points,
  tried: line.tried,
  missed: line.missed,
  'raw errors': line.raw,
  leaks: line.leaks,
  stuck: line.stuck,
  'wrong counts': line.counts,
  'next acquire here': line.here,
  'and elsewhere': line.elsewhere,
}));
const notes = [
  sample > 0
    ? `A sample of ${sample} points; repeat it with --points ${sample} --seed ${seed} --python ${python} --programs ${programs}.`
    : 'Every point.',
  programs > 0
    ? 'The subject is the command line, or its keeper.'
    : `The subject is in ${language === 'node' ? 'Node' : 'Python'}.`,
];
const problems = [...found].map(([what, where]) => `${what}\n  ${where.length}: ${where.slice(0, 8).join(', ')}`);
report(
  {
    lab: 'errors',
    ok: problems.length === 0 && total.tried > 0,
    rows,
    problems,
    notes,
    figures: { seed, total, phases: [...lines.values()] },
  },
  json,
);

/**
 * Finds the points of a phase.
 *
 * @param {AnyLane} lane
 * @param {AnyPhase} phase
 * @returns {Promise<Task[]>}
 */
async function trace(lane, phase) {
  /** @type {Map<string, Task>} */
  const tasks = new Map();
  for (let time = 0; time < traces; time++) {
    const { points, findings } = await lane.play(phase, nothing);
    note({ phase, injection: nothing, what: '' }, findings);
    for (const { call, number, what } of thinned(points)) {
      const all = errnos[call];
      if (!all) throw new Error(`There are no errors for the call ${call}`);
      for (const fails of all)
        tasks.set(`${call} ${number} ${fails}`, { phase, injection: { call, number, fails }, what });
    }
  }
  /** @type {Line} */ (lines.get(phase.name)).points += tasks.size;
  total.points += tasks.size;
  return [...tasks.values()];
}

/**
 * To find the processes of a server the whole process table is read, again and again. One in so many of these points is
 * tried.
 *
 * @param {readonly import('./injector.mjs').Point[]} points
 */
function thinned(points) {
  let table = false;
  let met = 0;
  return points.filter(({ call, what }) => {
    if (what.startsWith('/')) table = /^\/proc\/\d/.test(what);
    const isOfTable = table && ['open', 'stat', 'read', 'close', 'readlink', 'opendir', 'readdir'].includes(call);
    return !isOfTable || met++ % oneIn === 0;
  });
}

/**
 * @param {AnyLane} lane
 * @param {Task} task
 */
async function attempt(lane, task) {
  const { points, findings } = await lane.play(task.phase, task.injection);
  const hit = points.find((point) => point.hit);
  for (const line of linesOf(task)) {
    if (hit) line.tried++;
    else line.missed++;
  }
  note({ ...task, what: hit?.what ?? task.what }, findings);
}

/**
 * @param {Task} task
 * @param {import('./trial.mjs').Findings} findings
 */
function note({ phase, injection, what }, findings) {
  const { call, number, fails } = injection;
  for (const kind of kinds) {
    if (findings[kind].length === 0) continue;
    for (const line of linesOf({ phase })) line[kind]++;
    for (const each of findings[kind]) {
      const told = `${kind}: ${shortened(each)}`;
      found.set(told, [...(found.get(told) ?? []), `${phase.name} ${call} ${number} ${fails} (${shortened(what)})`]);
    }
  }
}

/** @param {{phase: AnyPhase}} task */
function linesOf({ phase }) {
  return [/** @type {Line} */ (lines.get(phase.name)), total];
}

/**
 * Without the parts that differ in each trial.
 *
 * @param {string} text
 */
function shortened(text) {
  return text
    .replaceAll(/\/[\w/-]*\/[tw]-\w{6}/g, '…')
    .replaceAll(/\.sr-[0-9a-f]{16}/g, '.sr-…')
    .replaceAll(/\b[0-9a-f]{16}\b/g, '…')
    .replaceAll(/\n\s+at (?!.*\/dist\/).*/g, '')
    .replaceAll(/(file:\/\/)?\/\S*\/dist\//g, '')
    .replaceAll(/fd\/\d+/g, 'fd/…')
    .replaceAll(/pid":?\W*\d+/g, 'pid …')
    .replaceAll(/"(start|since|ino|dev|birth)":"?\d+"?/g, '…');
}

/**
 * Lanes take the tasks, one after the other.
 *
 * @template Item, Value
 * @param {readonly AnyLane[]} pool
 * @param {Item[]} items
 * @param {(lane: AnyLane, item: Item) => Promise<Value>} work
 * @returns {Promise<Value[]>}
 */
async function onEach(pool, items, work) {
  /** @type {Value[]} */
  const values = [];
  let next = 0;
  await Promise.all(
    pool.map(async (lane) => {
      for (let item = items[next++]; item !== undefined; item = items[next++]) values.push(await work(lane, item));
    }),
  );
  return values;
}
