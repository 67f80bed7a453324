/**
 * One trial: a phase is played and one call fails in it. Except for an error that says so, the outcome must be the same
 * as without the failure.
 */

import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Process } from '../lib/process.mjs';
import { until, within } from '../lib/until.mjs';
import { specOf } from './errnos.mjs';
import { injecting, pointsIn } from './injector.mjs';

/** @typedef {import('./errnos.mjs').Injection} Injection */
/** @typedef {import('./phases.mjs').Phase} Phase */
/** @typedef {import('./phases.mjs').Stage} Stage */
/** @typedef {import('./subject.mjs').Outcome} Outcome */

/**
 * The problems after a trial, by their kind; there should be none.
 *
 * @typedef {{raw: string[], leaks: string[], stuck: string[], counts: string[], here: string[], elsewhere: string[]}}
 * Findings
 */

/** A watchdog: the time limits of the phases are shorter. */
const watchdogMs = 10_000;
/**
 * How long counts and descriptors may take until they are right. An owner whose files were all removed, and whose
 * member has taken its place meanwhile, sees that at its next look, after some 5 s.
 */
const settleMs = 10_000;

/** Codes that say that something took too long. One error of the system must not cause that. */
const late = ['ERR_SOCKREF_TIMEOUT', 'ERR_SOCKREF_OWNER_UNRESPONSIVE', 'ERR_SOCKREF_OWNER_LOST'];

const participant = new URL('../lib/participant.mjs', import.meta.url);

/** The programs of the subject, by language. */
export const subjects = {
  node: new URL('subject.mjs', import.meta.url),
  python: new URL('subject.py', import.meta.url),
};

/** Processes that live from trial to trial; one that is stuck is replaced. */
export class Lane {
  #library;
  #program;
  #root;
  /** @type {Process | undefined} */
  #subject;
  /** @type {Process | undefined} */
  #other;
  #descriptors = 0;

  /**
   * @param {string} library
   * @param {string} root a directory of its own
   * @param {URL} program
   */
  constructor(library, root, program) {
    this.#library = library;
    this.#root = root;
    this.#program = program;
  }

  /**
   * Plays a phase in which one call fails, and checks what is left.
   *
   * @param {Phase} phase
   * @param {Injection} injection
   */
  async play(phase, injection) {
    this.#subject ??= await this.#start();
    this.#other ??= await Process.start(participant);
    const subject = this.#subject;
    const other = this.#other;
    const directory = mkdtempSync(join(this.#root, 't-'));
    const log = `${this.#root}/log`;
    /** @type {Process[]} */
    const victims = [];
    /** @type {Stage} */
    const stage = {
      directory,
      path: join(directory, 's.sock'),
      subject,
      other,
      victim: async () => {
        const victim = await Process.start(participant);
        victims.push(victim);
        return victim;
      },
      holders: new Map(),
      kill: async () => {},
    };
    /** @type {Findings} */
    const findings = { raw: [], leaks: [], stuck: [], counts: [], here: [], elsewhere: [] };
    const played = await within(
      this.#play(stage, phase, specOf(injection, log), injection.fails, findings),
      watchdogMs * 3,
    );
    if (played === 'late') findings.stuck.push('the trial did not come to its end');
    for (const victim of victims) await victim.kill();
    if (findings.stuck.length > 0) {
      // Its unfinished work must not be taken for that of the next trial.
      await this.end('kill');
    }
    return { points: pointsIn(log), findings };
  }

  /** @param {'end' | 'kill'} how */
  async end(how = 'end') {
    const processes = [this.#subject, this.#other];
    this.#subject = undefined;
    this.#other = undefined;
    for (const process of processes) await process?.[how]();
  }

  async #start() {
    const subject = await Process.start(this.#program, { under: injecting(this.#library, this.#root) });
    // Descriptors for all trials are opened before the first one.
    const path = join(mkdtempSync(join(this.#root, 'w-')), 's.sock');
    for (const round of [1, 2]) {
      await subject.ask('acquire', { path, serve: true, options: {} });
      await subject.ask('connect', path);
      await subject.ask('closeAll', path);
      this.#descriptors = await subject.ask('descriptors', round);
    }
    await subject.ask('faults');
    return subject;
  }

  /**
   * @param {Stage} stage
   * @param {Phase} phase
   * @param {string} spec
   * @param {string} fails
   * @param {Findings} findings
   */
  async #play(stage, phase, spec, fails, findings) {
    const { subject, directory } = stage;
    try {
      await phase.prepare?.(stage);
      await subject.ask('arm', spec);
      const outcomes = await within(phase.act(stage), watchdogMs);
      await subject.ask('disarm');
      if (outcomes === 'late') {
        findings.stuck.push('a call did not come to its end');
        return;
      }
      for (const outcome of outcomes) this.#judge(outcome, stage, phase, fails, findings);
      if (phase.leavesNothing && outcomes.some(({ error }) => error)) {
        const left = readdirSync(directory);
        if (left.length > 0) findings.leaks.push(`a call that failed left ${left.join(', ')}`);
      }
      await this.#count(stage, findings);
    } catch (error) {
      findings.stuck.push(`another process: ${/** @type {Error} */ (error).stack}`);
      await subject.ask('disarm').catch(() => {});
    }
    await this.#end(stage, findings);
  }

  /**
   * @param {Outcome} outcome
   * @param {Stage} stage
   * @param {Phase} phase
   * @param {string} fails
   * @param {Findings} findings
   */
  #judge({ value, error }, stage, phase, fails, findings) {
    if (error) {
      this.#judgeError(error, findings);
      return;
    }
    if (phase.expects) findings.counts.push(`it was to fail with ${phase.expects}`);
    if (phase.isRight && !phase.isRight(value, stage, fails))
      findings.counts.push(`a wrong answer: ${JSON.stringify(value)}`);
  }

  /**
   * @param {{typed: boolean, code: string, text: string}} error
   * @param {Findings} findings
   */
  #judgeError({ typed, code, text }, { raw, stuck }) {
    // Useless in a message: such a path is valid in this process only.
    if (!typed || /\/proc\/self\/fd|Unknown system error/.test(text)) raw.push(text);
    if (late.includes(code)) stuck.push(text);
  }

  /**
   * @param {Stage} stage
   * @param {Findings} findings
   */
  async #count({ path, holders }, { counts }) {
    const total = [...holders.values()].reduce((sum, each) => sum + each, 0);
    for (const [process, own] of holders) {
      /** @type {{held: number, active: number, count: number} | undefined} */
      let last;
      const right = await until(async () => {
        last = await process.ask('state', path);
        return last?.active === own && last.count === total;
      }, settleMs);
      if (!right) counts.push(`expected ${own} of ${total}, got ${last?.active} of ${last?.count}`);
    }
  }

  /**
   * All processes close, and both acquire again, together and alone.
   *
   * @param {Stage} stage
   * @param {Findings} findings
   */
  async #end({ directory, path, subject, other }, findings) {
    for (const outcome of await subject.ask('closeAll', path))
      this.#judge(outcome, /** @type {any} */ ({}), /** @type {any} */ ({}), '', findings);
    await other.ask('closeAll', path).catch((error) => findings.stuck.push(`closing elsewhere: ${error.message}`));
    await this.#again(`${path}`, subject, other, findings);
    await this.#again(join(directory, 'dead.sock'), subject, other, findings);
    for (const error of await subject.ask('faults')) this.#judgeError({ ...error, code: '' }, findings);
    await other.ask('faults');
    const left = readdirSync(directory);
    if (left.length > 0) findings.leaks.push(`at the end: ${left.join(', ')} ${contents(directory, left)}`);
    if (!(await until(async () => (await subject.ask('sockets')) === 0, settleMs)))
      findings.leaks.push('a socket that stays active');
    let descriptors = 0;
    const closed = await until(async () => {
      descriptors = await subject.ask('descriptors');
      return descriptors <= this.#descriptors;
    }, settleMs);
    if (!closed) findings.leaks.push(`descriptors: ${descriptors} instead of ${this.#descriptors}`);
    this.#descriptors = descriptors;
  }

  /**
   * @param {string} path
   * @param {import('../lib/process.mjs').Process} subject
   * @param {import('../lib/process.mjs').Process} other
   * @param {Findings} findings
   */
  async #again(path, subject, other, findings) {
    const options = { timeoutMs: 4_000 };
    const elsewhere = () =>
      other.ask('acquire', { path, options }).catch((error) => findings.elsewhere.push(error.message));
    const here = async () => {
      const { error } = await subject.ask('acquire', { path, serve: true, options });
      if (error) findings.here.push(error.text);
    };
    await elsewhere();
    await here();
    for (const { error } of await subject.ask('closeAll', path)) if (error) findings.here.push(error.text);
    await other.ask('closeAll', path).catch((error) => findings.elsewhere.push(error.message));
    await here();
    for (const { error } of await subject.ask('closeAll', path)) if (error) findings.here.push(error.text);
  }
}

/**
 * @param {string} directory
 * @param {string[]} names
 */
function contents(directory, names) {
  const lock = names.find((name) => name.endsWith('.lock'));
  return lock ? readFileSync(join(directory, lock), 'utf8') : '';
}
