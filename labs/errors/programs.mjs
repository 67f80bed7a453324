/** The same for programs: the command line and its keeper, in which calls fail from their start to their end. */

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { processesOf } from '../lib/processes.mjs';
import { sockref } from '../lib/program.mjs';
import { serversOf } from '../lib/server.mjs';
import { until } from '../lib/until.mjs';
import { specOf } from './errnos.mjs';
import { pointsIn } from './injector.mjs';
import { leaveStale } from './stale.mjs';

/** @typedef {import('./errnos.mjs').Injection} Injection */
/** @typedef {import('./trial.mjs').Findings} Findings */

/**
 * The result of a program.
 *
 * @typedef {{code: number | string | null, stdout: string, stderr: string}} Exit
 */

/**
 * @typedef {object} Scene
 * @property {string} path
 * @property {string} server the program of a server
 * @property {(args: readonly string[], env?: NodeJS.ProcessEnv) => Promise<Exit>} run runs the command line
 * @property {() => Promise<() => Promise<void>>} hold has another command line hold the socket; returns what ends that
 */

/**
 * @typedef {object} ProgramPhase
 * @property {string} name
 * @property {string} what for the reader of the table
 * @property {string} [fails] a part of the command of the program in which calls fail; by default it is the one that is
 * run
 * @property {(scene: Scene) => Promise<void>} [prepare]
 * @property {(scene: Scene) => Promise<void>} [finish] ends what it began, without a failure
 * @property {boolean} [held] whether another command line holds the socket meanwhile
 * @property {(scene: Scene) => readonly string[]} args
 * @property {string} [says] what it prints if nothing fails
 */

const keeper = 'keeper/main.cjs';
const serve = (/** @type {Scene} */ { server }) => ['--serve', `${server} {socket}`];
const holdIt = ['--', 'true'];

/** @type {readonly ProgramPhase[]} */
export const programPhases = [
  {
    name: 'run',
    what: 'starts a server',
    args: (scene) => ['run', scene.path, ...serve(scene), '--', 'sh', '-c', 'echo ran'],
    says: 'ran\n',
  },
  {
    name: 'run, joins',
    what: 'shares a running server',
    held: true,
    args: (scene) => ['run', scene.path, ...serve(scene), '--', 'sh', '-c', 'echo ran'],
    says: 'ran\n',
  },
  {
    name: 'keeper',
    what: 'keeper starts a server, and ends it',
    fails: keeper,
    args: (scene) => ['run', scene.path, ...serve(scene), ...holdIt],
  },
  {
    name: 'keeper, activates',
    what: 'keeper starts a server that inherits its socket',
    fails: keeper,
    args: (scene) => ['run', scene.path, '--activate', '--serve', scene.server, ...holdIt],
  },
  {
    name: 'keeper, restarts',
    what: 'the server is killed meanwhile',
    fails: keeper,
    args: (scene) => ['run', scene.path, ...serve(scene), '--', 'sh', '-c', restarted(scene)],
  },
  { name: 'ls', what: 'lists a directory', held: true, args: ({ path }) => ['ls', join(path, '..')] },
  { name: 'inspect', what: 'shows a socket', held: true, args: ({ path }) => ['inspect', path] },
  { name: 'connect', what: 'connects to a socket', held: true, args: ({ path }) => ['connect', path] },
  { name: 'logs', what: 'prints what a server has written', held: true, args: ({ path }) => ['logs', path] },
  {
    name: 'stop',
    what: 'stops a socket',
    args: ({ path }) => ['stop', path],
    prepare: async (scene) =>
      void (await scene.run(['run', scene.path, '--linger', '10m', ...serve(scene), ...holdIt])),
    // A stop that failed has not stopped it.
    finish: async (scene) => void (await scene.run(['stop', scene.path])),
  },
  {
    name: 'doctor',
    what: 'looks for leftovers',
    args: ({ path }) => ['doctor', join(path, '..')],
    prepare: ({ path }) => leaveStale(path),
  },
];

/** A watchdog. */
const watchdogMs = 30_000;

/** One trial at a time, each with its own processes. */
export class ProgramLane {
  #library;
  #root;
  #server;

  /**
   * @param {string} library
   * @param {string} root a directory of its own
   * @param {string} server the program of a server
   */
  constructor(library, root, server) {
    this.#library = library;
    this.#root = root;
    this.#server = server;
  }

  /**
   * @param {ProgramPhase} phase
   * @param {Injection} injection
   */
  async play(phase, injection) {
    const own = mkdtempSync(join(this.#root, 't-'));
    const log = `${this.#root}/log`;
    for (const name of ['d', 'state']) mkdirSync(join(own, name), { mode: 0o700 });
    const path = join(own, 'd', 's.sock');
    /** @type {Findings} */
    const findings = { raw: [], leaks: [], stuck: [], counts: [], here: [], elsewhere: [] };
    const scene = this.#scene(own, path);
    const release = phase.held ? await scene.hold() : async () => {};
    await phase.prepare?.(scene);
    const exit = await scene.run(phase.args(scene), {
      LD_PRELOAD: this.#library,
      SOCKREF_ERRORS_ROOT: own,
      SOCKREF_ERRORS: specOf(injection, log),
      SOCKREF_ERRORS_ONLY: phase.fails ?? sockref,
      ...(phase.fails && { SOCKREF_ERRORS_FDS: '3,4' }),
    });
    judge(exit, phase, findings);
    await release();
    // The next run removes the files that could not be removed, and ends.
    await this.#again(scene, findings);
    await phase.finish?.(scene);
    await this.#examine(own, findings);
    return { points: pointsIn(log), findings };
  }

  async end() {}

  /**
   * @param {string} own
   * @param {string} path
   * @returns {Scene}
   */
  #scene(own, path) {
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    // It marks the processes of this trial.
    const base = { ...env, XDG_STATE_HOME: join(own, 'state'), SOCKREF_LAB_TRIAL: own };
    /** @type {Scene['run']} */
    const run = (args, more = {}) =>
      new Promise((resolve) => {
        const how = {
          env: { ...base, ...more },
          cwd: own,
          timeout: watchdogMs,
          killSignal: /** @type {const} */ ('SIGKILL'),
        };
        const child = execFile(process.execPath, [sockref, ...args], how, (error, stdout, stderr) =>
          resolve({ code: error ? (error.killed ? 'late' : (error.code ?? error.signal ?? null)) : 0, stdout, stderr }),
        );
        child.stdin?.end();
      });
    const hold = async () => {
      const args = ['run', path, '--serve', `${this.#server} {socket}`, '--', 'sh', '-c', 'echo held; exec cat'];
      const child = execFile(process.execPath, [sockref, ...args], { env: base, cwd: own });
      const ended = new Promise((resolve) => child.once('exit', resolve));
      await Promise.race([new Promise((resolve) => child.stdout?.once('data', resolve)), ended]);
      return async () => {
        child.stdin?.end();
        await ended;
      };
    };
    return { path, server: this.#server, run, hold };
  }

  /**
   * @param {Scene} scene
   * @param {Findings} findings
   */
  async #again(scene, findings) {
    const exit = await scene.run(['run', scene.path, ...serve(scene), '--', 'sh', '-c', 'echo ran']);
    if (exit.code !== 0 || exit.stdout !== 'ran\n') findings.elsewhere.push(`${exit.code}: ${exit.stderr}`);
  }

  /**
   * @param {string} own
   * @param {Findings} findings
   */
  async #examine(own, findings) {
    const left = () => processesOf(own).filter((pid) => pid !== process.pid);
    if (!(await until(() => left().length === 0, watchdogMs / 2))) {
      findings.leaks.push(`processes that do not end: ${left().length}, of these servers: ${serversOf(own).length}`);
      for (const pid of left()) kill(pid);
      await pause(0);
    }
    const files = readdirSync(join(own, 'd'));
    if (files.length > 0) findings.leaks.push(`at the end: ${files.join(', ')}`);
  }
}

/**
 * Checks that a program does its work, or says in one line why not.
 *
 * @param {Exit} exit
 * @param {ProgramPhase} phase
 * @param {Findings} findings
 */
function judge({ code, stdout, stderr }, phase, { raw, stuck, counts }) {
  if (code === 'late') stuck.push(`it did not end: ${stderr}`);
  if (/should not happen|\/proc\/self\/fd|Unknown system error|\n\s+at |node:internal/.test(stderr)) raw.push(stderr);
  // An error that only the status shows, or that the status hides.
  if (code !== 0 && `${stdout}${stderr}` === '') raw.push(`status ${code}, and not a word`);
  if (typeof code === 'string' && code !== 'late') raw.push(`it was ended by ${code}: ${stderr}`);
  if (code === 0 && phase.says !== undefined && stdout !== phase.says)
    counts.push(`status 0, and it printed: ${stdout}`);
}

/** Kills the server of a scene, and waits until another one answers. @param {Scene} scene */
function restarted({ path }) {
  const ask = `${quoted(process.execPath)} ${quoted(sockref)}`;
  const pid = `$(${ask} inspect --json ${quoted(path)} | sed -n 's/.*"server":{"pid":\\([0-9]*\\).*/\\1/p')`;
  return `unset LD_PRELOAD; kill -9 ${pid}; ${ask} connect ${quoted(path)} </dev/null >/dev/null`;
}

/** @param {string} text */
function quoted(text) {
  return `'${text}'`;
}

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
