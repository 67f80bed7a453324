/** One trial: a phase is played, its subject is killed during it, and all other processes must continue unharmed. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Process } from '../lib/process.mjs';
import { processesOf } from '../lib/processes.mjs';
import { serversOf } from '../lib/server.mjs';
import { until, within } from '../lib/until.mjs';
import { attach } from './trace.mjs';

/** @typedef {import('./phases.mjs').Phase} Phase */
/** @typedef {import('./phases.mjs').Stage} Stage */

/**
 * The problems after a trial; there should be none.
 *
 * @typedef {object} Findings
 * @property {string[]} leaks
 * @property {string[]} stuck
 * @property {string[]} counts
 * @property {string[]} lost
 * @property {string[]} servers other than one server, or a process that stays
 */

const inNode = new URL('../lib/participant.mjs', import.meta.url);
const inPython = new URL('../lib/participant.py', import.meta.url);

/**
 * The languages of the processes. (Servers that are commands are played only in Node.)
 *
 * @typedef {object} Casting
 * @property {string} words
 * @property {URL} subject who is killed
 * @property {readonly [URL, URL, URL, URL]} others who have to go on: three, and a newcomer
 */

/** The values of `--python`. @type {readonly [Casting, ...Casting[]]} */
export const castings = [
  { words: 'All in Node.', subject: inNode, others: [inNode, inNode, inNode, inNode] },
  {
    words: 'Who is killed is in Python, who goes on in Python and Node.',
    subject: inPython,
    others: [inNode, inPython, inNode, inPython],
  },
  {
    words: 'Who is killed is in Node, who goes on in Python and Node.',
    subject: inNode,
    others: [inPython, inNode, inPython, inNode],
  },
];

/** A watchdog: no step takes a second on an idle machine. */
const watchdogMs = 120_000;

/** Processes that live from trial to trial, for one trial at a time. */
export class Troupe {
  /** @type {readonly [Process, Process, Process, Process]} */
  #processes;
  #server;
  /** The process that is killed. */
  #subject;

  /**
   * @param {readonly [Process, Process, Process, Process]} processes
   * @param {string} server
   * @param {URL} subject
   */
  constructor(processes, server, subject) {
    this.#processes = processes;
    this.#server = server;
    this.#subject = subject;
  }

  /**
   * @param {string} server the program of servers that are run as commands
   * @param {Casting} casting
   */
  static async start(server, { subject, others }) {
    const [first, second, third, newcomer] = others;
    const start = (/** @type {URL} */ program) => Process.start(program);
    const started = await Promise.all([start(first), start(second), start(third), start(newcomer)]);
    return new Troupe(started, server, subject);
  }

  /**
   * Plays a phase, in which a program (strace) starts the subject and writes to a file. Then checks what is left.
   *
   * @param {string} directory
   * @param {Phase} phase
   * @param {readonly string[]} under
   * @param {string} trace
   * @returns {Promise<Findings>}
   */
  async play(directory, phase, under, trace) {
    const [first, second, third, newcomer] = this.#processes;
    const own = mkdtempSync(join(directory, 'trial-'));
    mkdirSync(join(own, 'd'), { mode: 0o700 });
    const path = join(own, 'd', 's.sock');
    /** @type {Process[]} */
    const doomed = [];
    /** @type {Promise<void>[]} */
    const traced = [];
    /** @param {readonly string[]} by */
    const start = async (by) => {
      const process = await Process.start(this.#subject, { under: by });
      doomed.push(process);
      return process;
    };
    const startTraced = async () => {
      if (this.#subject === inNode) return start(under);
      // Its main thread makes no call that matters.
      const process = await start([]);
      const { ended } = await attach(under, await process.ask('thread'));
      traced.push(ended);
      return process;
    };
    /** @type {Stage} */
    const stage = {
      path,
      others: [first, second, third],
      leftAtEnd: [],
      holders: new Map(),
      subject: () => (phase.keeper ? start([]) : startTraced()),
      victim: () => start([]),
      by: phase.command && {
        server: { command: [this.#server, '{socket}'], activate: phase.command === 'activation', restart: 1_000 },
        // It marks the processes of this trial: the keeper and its server.
        env: { SOCKREF_LAB_TRIAL: own },
        keeper: phase.keeper ? tracedOnce(own, under) : process.execPath,
      },
    };
    /** @type {Findings} */
    const findings = { leaks: [], stuck: [], counts: [], lost: [], servers: [] };
    const played = await within(
      phase.play(stage).catch((error) => {
        if (error.code !== 'ENDED') findings.stuck.push(`${phase.name}: ${error.stack}`);
      }),
      watchdogMs,
    );
    if (played === 'late') findings.stuck.push(`${phase.name} did not come to its end`);
    for (const process of doomed) await process.kill();
    for (const end of traced) await end;
    if (stage.leftAtEnd.length > 0) findings.leaks.push(`after the last close: ${stage.leftAtEnd.join(', ')}`);
    await this.#examine(stage, newcomer, findings);
    await this.#examineProcesses(own, findings);
    // The traced process has ended, and then strace has written everything.
    if (!(await until(() => processesOf(trace).length === 0, watchdogMs))) findings.stuck.push('strace goes on');
    return findings;
  }

  async end() {
    await Promise.all(this.#processes.map((process) => process.end()));
  }

  /**
   * @param {Stage} stage
   * @param {Process} newcomer
   * @param {Findings} findings
   */
  async #examine({ path, holders, by }, newcomer, findings) {
    const acquired = await within(
      newcomer.ask('acquire', { path, ...by }).catch((error) => ({ error })),
      watchdogMs,
    );
    if (acquired === 'late' || acquired.error) {
      findings.stuck.push(`the next acquire: ${acquired === 'late' ? 'no answer' : acquired.error.message}`);
    }
    holders.set(newcomer, 1);
    const total = [...holders.values()].reduce((sum, each) => sum + each, 0);
    for (const [process, own] of holders) {
      /** @type {{held: number, active: number, count: number} | undefined} */
      let last;
      const right = await until(async () => {
        last = await process.ask('state', path);
        return last?.active === own && last.held === own && last.count === total;
      }, watchdogMs);
      if (right) continue;
      const { active, count } = /** @type {{active: number, count: number}} */ (/** @type {unknown} */ (last));
      const said = `expected ${own} of ${total}, got ${active} of ${count}`;
      (active === own ? findings.counts : findings.lost).push(said);
    }
    const answers = new Set();
    for (const process of holders.keys()) {
      const who = await within(
        process.ask('connect', path).catch((error) => ({ error })),
        watchdogMs,
      );
      if (typeof who !== 'string' || who === 'late') findings.stuck.push(`no connection: ${who?.error ?? who}`);
      answers.add(who);
    }
    if (answers.size > 1) findings.servers.push(`these answer: ${[...answers].join(', ')}`);
    if (by) {
      const servers = serversOf(by.env.SOCKREF_LAB_TRIAL);
      if (servers.length !== 1 || !String([...answers][0]).startsWith(`${servers[0]}/`)) {
        findings.servers.push(
          `these are there: ${servers.join(', ') || 'none'}, and ${[...answers].join(', ')} answers`,
        );
      }
    }
    for (const process of this.#processes) {
      const closed = await within(
        process.ask('closeAll', path).catch((error) => ({ error })),
        watchdogMs,
      );
      if (closed) findings.stuck.push(`closing: ${closed.error ?? closed}`);
      for (const fault of await process.ask('faults')) findings.lost.push(`a fault: ${fault}`);
    }
    const left = readdirSync(join(path, '..'));
    if (left.length === 0) return;
    findings.leaks.push(left.join(', '));
    // The message says whose it was.
    if (existsSync(`${path}.lock`)) findings.leaks.push(readFileSync(`${path}.lock`, 'utf8'));
  }

  /**
   * @param {string} own
   * @param {Findings} findings
   */
  async #examineProcesses(own, findings) {
    const servers = serversOf(own);
    if (servers.length > 0) findings.servers.push(`after the last close: ${servers.join(', ')}`);
    const ours = this.#processes.map(({ pid }) => pid);
    /** @type {number[]} */
    let left = [];
    // A keeper ends a moment after its last message.
    const isGone = await until(() => {
      left = processesOf(own).filter((pid) => !ours.includes(pid));
      return left.length === 0;
    }, watchdogMs);
    if (!isGone) findings.servers.push(`these do not end: ${left.join(', ')}`);
    for (const pid of left) kill(pid);
  }
}

/**
 * A program in the place of Node that starts the keeper by strace. It does so only the first time, because later keepers
 * take the place of the killed one.
 *
 * @param {string} own
 * @param {readonly string[]} under
 */
function tracedOnce(own, under) {
  const file = join(own, 'node');
  const quoted = (/** @type {string} */ text) => `'${text}'`;
  const command = [...under, process.execPath].map(quoted).join(' ');
  const lines = [
    '#!/bin/sh',
    `if mkdir '${own}/traced' 2>/dev/null; then exec ${command} "$@"; fi`,
    `exec '${process.execPath}' "$@"`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o700 });
  return file;
}

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
