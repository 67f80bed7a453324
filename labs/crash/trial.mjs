/** One trial: a phase is played, its subject is killed on the way, and everybody else has to go on as if nothing was. */

import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Process } from '../lib/process.mjs';
import { until, within } from '../lib/until.mjs';

/** @typedef {import('./phases.mjs').Phase} Phase */
/** @typedef {import('./phases.mjs').Stage} Stage */

/**
 * What was wrong after a trial; nothing, as it should be.
 *
 * @typedef {object} Findings
 * @property {string[]} leaks
 * @property {string[]} stuck
 * @property {string[]} counts
 * @property {string[]} lost
 */

const participant = new URL('../lib/participant.mjs', import.meta.url);
/** It ends what hangs; nothing here takes a second on an idle machine. */
const watchdogMs = 15_000;

/** Processes that live from trial to trial, for one trial at a time. */
export class Troupe {
  /** @type {readonly [Process, Process, Process, Process]} */
  #processes;

  /** @param {readonly [Process, Process, Process, Process]} processes */
  constructor(processes) {
    this.#processes = processes;
  }

  static async start() {
    const one = () => Process.start(participant);
    return new Troupe(await Promise.all([one(), one(), one(), one()]));
  }

  /**
   * Plays a phase, with the subject started by a program (strace), and looks at what is left.
   *
   * @param {string} directory
   * @param {Phase} phase
   * @param {readonly string[]} under
   * @returns {Promise<Findings>}
   */
  async play(directory, phase, under) {
    const [first, second, third, newcomer] = this.#processes;
    const own = mkdtempSync(join(directory, 'trial-'));
    mkdirSync(join(own, 'd'), { mode: 0o700 });
    const path = join(own, 'd', 's.sock');
    /** @type {Process[]} */
    const doomed = [];
    /** @param {readonly string[]} by */
    const start = async (by) => {
      const process = await Process.start(participant, { under: by });
      doomed.push(process);
      return process;
    };
    /** @type {Stage} */
    const stage = {
      path,
      others: [first, second, third],
      leftAtEnd: [],
      holders: new Map(),
      subject: () => start(under),
      victim: () => start([]),
    };
    /** @type {Findings} */
    const findings = { leaks: [], stuck: [], counts: [], lost: [] };
    const played = await within(
      phase.play(stage).catch((error) => {
        if (error.code !== 'ENDED') findings.stuck.push(`${phase.name}: ${error.stack}`);
      }),
      watchdogMs,
    );
    if (played === 'late') findings.stuck.push(`${phase.name} did not come to its end`);
    for (const process of doomed) await process.kill();
    if (stage.leftAtEnd.length > 0) findings.leaks.push(`after the last close: ${stage.leftAtEnd.join(', ')}`);
    await this.#examine(stage, newcomer, findings);
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
  async #examine({ path, holders }, newcomer, findings) {
    const acquired = await within(
      newcomer.ask('acquire', { path }).catch((error) => ({ error })),
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
    for (const process of holders.keys()) {
      const who = await within(
        process.ask('connect', path).catch((error) => ({ error })),
        watchdogMs,
      );
      if (typeof who !== 'string' || who === 'late') findings.stuck.push(`no connection: ${who?.error ?? who}`);
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
    if (left.length > 0) findings.leaks.push(left.join(', '));
  }
}
