/** The processes of the chaos lab: each place is taken anew when its process ends. */

import { setTimeout as pause } from 'node:timers/promises';
import { Process } from '../lib/process.mjs';

/** @typedef {import('./schedule.mjs').Action} Action */

const participant = new URL('../lib/participant.mjs', import.meta.url);

/** Longer than a round: references must not be lost while everybody who could serve happens to be dead. */
const failoverTimeoutMs = 120_000;
/** Longer than an owner is stopped. */
const timeoutMs = 60_000;

/** What an acquire may end with. Anything else breaks I3. */
const allowed = {
  acquire: new Set(['ENDED']),
  joining: new Set(['ENDED', 'ERR_SOCKREF_NOT_SERVED']),
  hasty: new Set(['ENDED', 'ERR_SOCKREF_NOT_SERVED', 'ERR_SOCKREF_TIMEOUT', 'ERR_SOCKREF_OWNER_UNRESPONSIVE']),
  forced: 'ERR_SOCKREF_CLOSED',
};

/** Keeps so many processes, and tells them what to do. */
export class Cast {
  #places;
  #paths;
  #foreign;
  #joining;
  /** @type {Record<string, number>} */
  done = {};
  /** @type {string[]} */
  problems = [];

  /** @type {Set<Process>} */
  #living = new Set();
  /** @type {WeakSet<Process>} */
  #doomed = new WeakSet();

  /**
   * @param {number} count
   * @param {{paths: readonly string[], foreign: string, joining: number}} how `joining`: so many of them cannot serve
   */
  constructor(count, { paths, foreign, joining }) {
    this.#paths = paths;
    this.#foreign = foreign;
    this.#joining = joining;
    this.#places = Array.from({ length: count }, () => this.#start());
  }

  /** The process ids of those that live, as far as is known. */
  get pids() {
    return [...this.#living].map(({ pid }) => pid);
  }

  /** All of them, once those that are being replaced have come. */
  all() {
    return Promise.all(this.#places);
  }

  /**
   * Carries out a round: each action is begun in its turn, and none waits for the one before.
   *
   * @param {readonly Action[]} actions
   * @returns {Promise<Promise<void>[]>} the actions, begun
   */
  async begin(actions) {
    const forced = new Set(actions.filter(({ what }) => what === 'force').map(({ process }) => process));
    const begun = [];
    for (const action of actions) {
      if (action.pauseMs > 0) await pause(action.pauseMs);
      begun.push(this.#carryOut(action, forced.has(action.process)));
    }
    return begun;
  }

  /**
   * @param {Action} action
   * @param {boolean} forced whether its process ends its references by force in this round
   */
  async #carryOut(action, forced) {
    const { what, process: place } = action;
    this.done[what] = (this.done[what] ?? 0) + 1;
    const process = await this.#places[place];
    if (!process) return;
    try {
      await this.#tell(process, action);
    } catch (error) {
      const { code = '', message } = /** @type {NodeJS.ErrnoException} */ (error);
      const serves = this.#serves(place);
      const fine = what === 'hasty' ? allowed.hasty : serves ? allowed.acquire : allowed.joining;
      if (fine.has(code) || (forced && code === allowed.forced)) return;
      this.problems.push(`I3: process ${place}: ${what} of endpoint ${action.endpoint}: ${code} ${message}`);
    }
  }

  /**
   * @param {Process} process
   * @param {Action} action
   */
  async #tell(process, { what, process: place, endpoint, lingerMs, times, timeoutMs: hasty }) {
    const path = this.#paths[endpoint] ?? '';
    const serve = this.#serves(place);
    switch (what) {
      case 'acquire':
        await process.ask('acquire', { path, serve, options: { lingerMs, timeoutMs, failoverTimeoutMs } });
        return;
      case 'flap':
        await process.ask('flap', { path, serve, times, options: { timeoutMs, failoverTimeoutMs } });
        return;
      case 'hasty':
        await process.ask('acquire', { path, serve, options: { timeoutMs: hasty, failoverTimeoutMs } });
        return;
      case 'close':
        await process.ask('close', { path });
        return;
      case 'clone':
      case 'connect':
      case 'inspect':
      case 'force':
        await process.ask(what, path);
        return;
      case 'trespass':
        await this.#trespass(process, place);
        return;
      case 'stop':
        process.signal('SIGSTOP');
        return;
      case 'continue':
        process.signal('SIGCONT');
        return;
      case 'kill':
        this.#replace(place, process, process.kill());
        return;
      case 'quit':
        this.#replace(place, process, process.ended);
        // It does not answer any more.
        process.signal('SIGCONT');
        await process.ask('quit').catch(() => {});
        return;
    }
  }

  /**
   * Wants a path where somebody else listens: it must be refused.
   *
   * @param {Process} process
   * @param {number} place
   */
  async #trespass(process, place) {
    const refused = await process.ask('acquire', { path: this.#foreign, options: { timeoutMs } }).then(
      () => 'nothing',
      ({ code }) => code,
    );
    if (refused === 'ERR_SOCKREF_ADDRESS_IN_USE' || refused === 'ENDED') return;
    this.problems.push(`I2: process ${place} was refused a foreign socket with ${refused}`);
  }

  /**
   * @param {number} place
   * @param {Process} process
   * @param {Promise<unknown>} ended
   */
  #replace(place, process, ended) {
    // Told to end twice in a row, it is replaced once.
    if (this.#doomed.has(process)) return;
    this.#doomed.add(process);
    this.#places[place] = ended.then(() => this.#start());
  }

  async #start() {
    const process = await Process.start(participant);
    this.#living.add(process);
    void process.ended.then(() => this.#living.delete(process));
    return process;
  }

  /** @param {number} place */
  #serves(place) {
    return place < this.#places.length - this.#joining;
  }
}
