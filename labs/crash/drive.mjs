/** Plays the phases of a socket's life. Each is played once for every system call at which a process can be killed. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { inDirectory } from '../lib/directory.mjs';
import { labOptions } from '../lib/options.mjs';
import { newSeed, Random } from '../lib/random.mjs';
import { progress, report } from '../lib/report.mjs';
import { compileServer } from '../lib/server.mjs';
import { killing, marksOf, outcome, pointsIn, recording } from './trace.mjs';
import { castings, Troupe } from './trial.mjs';

/** Trials at once: each has a process under strace, and two of them use a small machine fully. */
const lanes = 2;
/** How often a point is tried again when the process died outside of its phase. */
const maxDrifts = 9;

const kinds = /** @type {const} */ (['leaks', 'stuck', 'counts', 'lost', 'servers']);

/** @typedef {import('./phases.mjs').Phase} Phase */

/**
 * @typedef {object} Task
 * @property {Phase} phase
 * @property {import('./trace.mjs').Point} point
 */

/**
 * Runs a crash lab, and reports.
 *
 * @param {string} lab its name
 * @param {readonly Phase[]} phases
 */
export async function drive(lab, phases) {
  const { points: sample, phase, seed, python, json } = labOptions({ points: 0, phase: 0, seed: newSeed(), python: 0 });
  const casting = castings[python] ?? castings[0];
  const run = new Run(phase > 0 ? phases.slice(phase - 1, phase) : some(phases, sample, seed), casting);
  await inDirectory((directory) => run.play(directory, (tasks) => (sample > 0 ? choose(tasks, sample, seed) : tasks)));
  const { lines, total, problems } = run;
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
    'not one server': line.servers,
  }));
  const notes = [
    sample > 0
      ? `A sample of ${sample} points; repeat it with --points ${sample} --seed ${seed} --python ${python}.`
      : 'Every point.',
    casting.words,
  ];
  const ok = problems.length === 0 && total.tried > 0;
  report({ lab, ok, rows, problems, notes, figures: { seed, total, phases: lines } }, json);
}

/** The figures of a phase. */
class Line {
  calls = 0;
  tried = 0;
  outside = 0;
  leaks = 0;
  stuck = 0;
  counts = 0;
  lost = 0;
  servers = 0;

  /** @param {string} phase */
  constructor(phase) {
    this.phase = phase;
  }
}

/** One run of a lab. */
class Run {
  #phases;
  lines;
  /** @type {string[]} */
  problems = [];
  #casting;

  /**
   * @param {readonly Phase[]} phases
   * @param {import('./trial.mjs').Casting} casting
   */
  constructor(phases, casting) {
    this.#phases = phases;
    this.#casting = casting;
    this.lines = phases.map(({ name }) => new Line(name));
  }

  get total() {
    const total = new Line('all');
    for (const line of this.lines) {
      for (const name of /** @type {const} */ (['calls', 'tried', 'outside', ...kinds])) total[name] += line[name];
    }
    return total;
  }

  /**
   * @param {string} directory
   * @param {(tasks: Task[]) => Task[]} choose
   */
  async play(directory, choose) {
    // Where keepers write their logs.
    process.env['XDG_STATE_HOME'] = join(directory, 'state');
    const server = compileServer(directory);
    const troupes = await Promise.all(Array.from({ length: lanes }, () => Troupe.start(server, this.#casting)));
    const queue = [...choose(await this.#record(directory, troupes))];
    const all = queue.length;
    await Promise.all(
      troupes.map(async (troupe, lane) => {
        for (let task = queue.shift(); task; task = queue.shift()) {
          await this.#attempt(directory, join(directory, `trace-${lane}`), troupe, task);
          progress(`${all - queue.length} of ${all}`);
        }
      }),
    );
    progress('');
    await Promise.all(troupes.map((troupe) => troupe.end()));
  }

  /**
   * Plays each phase once without a kill, to find its calls.
   *
   * @param {string} directory
   * @param {readonly Troupe[]} troupes
   */
  async #record(directory, troupes) {
    /** @type {Map<Phase, Task[]>} */
    const tasks = new Map();
    const queue = [...this.#phases];
    await Promise.all(
      troupes.map(async (troupe, lane) => {
        for (let phase = queue.shift(); phase; phase = queue.shift()) {
          const file = join(directory, `trace-${lane}`);
          rmSync(file, { force: true });
          const findings = await troupe.play(directory, phase, recording(file, phase), file);
          this.#note({ phase, point: { call: 'none', ordinal: 0, inside: 0 } }, findings);
          const points = pointsIn(file, phase);
          this.#line(phase).calls = points.length;
          tasks.set(
            phase,
            points.map((point) => ({ phase: /** @type {Phase} */ (phase), point })),
          );
        }
      }),
    );
    return this.#phases.flatMap((phase) => tasks.get(phase) ?? []);
  }

  /**
   * @param {string} directory
   * @param {string} file
   * @param {Troupe} troupe
   * @param {Task} task
   */
  async #attempt(directory, file, troupe, task) {
    let { point } = task;
    for (let drift = 0; drift <= maxDrifts; drift++) {
      rmSync(file, { force: true });
      const under = killing(file, task.phase, point);
      this.#note({ ...task, point }, await troupe.play(directory, task.phase, under, file));
      const came = outcome(file, marksOf(task.phase), point);
      if (came.hit) {
        this.#line(task.phase).tried++;
        return;
      }
      point = came.next;
    }
    this.#line(task.phase).outside++;
  }

  /**
   * @param {Task} task
   * @param {import('./trial.mjs').Findings} findings
   */
  #note({ phase, point }, findings) {
    for (const kind of kinds) {
      if (findings[kind].length === 0) continue;
      this.#line(phase)[kind]++;
      this.problems.push(
        `${phase.name}, killed at ${point.call} #${point.ordinal}: ${kind}: ${findings[kind].join('; ')}`,
      );
    }
  }

  /** @param {Phase} phase */
  #line({ name }) {
    return /** @type {Line} */ (this.lines.find(({ phase }) => phase === name));
  }
}

/**
 * The phases of a sample: to find the calls of a phase takes as long as to try one of its points.
 *
 * @param {readonly Phase[]} phases
 * @param {number} sample
 * @param {number} seed
 */
function some(phases, sample, seed) {
  if (sample === 0 || sample >= phases.length) return phases;
  const drawn = new Random(seed).shuffled(phases).slice(0, sample);
  return phases.filter((phase) => drawn.includes(phase));
}

/**
 * A sample that has points of every phase, even of one with few calls.
 *
 * @param {Task[]} tasks
 * @param {number} sample
 * @param {number} seed
 */
function choose(tasks, sample, seed) {
  const random = new Random(seed);
  const phases = [...new Set(tasks.map(({ phase }) => phase))];
  const heaps = phases.map((phase) => random.shuffled(tasks.filter((task) => task.phase === phase)));
  /** @type {Task[]} */
  const chosen = [];
  while (chosen.length < sample && heaps.some((heap) => heap.length > 0)) {
    chosen.push(...heaps.flatMap((heap) => heap.splice(0, 1)));
  }
  return chosen.slice(0, sample);
}
