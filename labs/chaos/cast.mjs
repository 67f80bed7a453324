/** The processes of the chaos lab: each is replaced when it ends. */

import { setTimeout as pause } from 'node:timers/promises';
import { SocketManager } from 'sockref';
import { Process } from '../lib/process.mjs';

/** @typedef {import('./schedule.mjs').Action} Action */

const participant = new URL('../lib/participant.mjs', import.meta.url);

/** Longer than a round: references must not be lost while all processes that could serve happen to be dead. */
const failoverTimeoutMs = 120_000;
/** Longer than an owner is stopped. */
const timeoutMs = 60_000;

/** Operations on keepers and servers may take as long as one is stopped. */
const server = { readyTimeoutMs: timeoutMs, restart: 1_000_000 };

/** The errors with which an acquire may end. Any other one breaks I3. */
const allowed = {
  acquire: new Set(['ENDED']),
  joining: new Set(['ENDED', 'ERR_SOCKREF_NOT_SERVED']),
  hasty: new Set(['ENDED', 'ERR_SOCKREF_NOT_SERVED', 'ERR_SOCKREF_TIMEOUT', 'ERR_SOCKREF_OWNER_UNRESPONSIVE']),
  forced: 'ERR_SOCKREF_CLOSED',
};

/** Keeps so many processes, and sends them commands. */
export class Cast {
  #places;
  #paths;
  #foreign;
  #joining;
  #program;
  #ledger;
  #manager = new SocketManager();
  /** @type {Record<string, number>} */
  done = {};
  /** @type {string[]} */
  problems = [];
  /** The endpoints that a process has ended by force since all references were released, by their numbers. @type {Set<number>} */
  forced = new Set();

  /** @type {Set<Process>} */
  #living = new Set();
  /** When each ended process was known to have ended. @type {Map<number, number>} */
  #ended = new Map();
  /** @type {WeakSet<Process>} */
  #doomed = new WeakSet();

  /**
   * @param {number} count
   * @param {{paths: readonly string[], foreign: string, joining: number, program: string, ledger: string}} how
   * `joining`: so many of them cannot serve; `program`: the server of the others, with a file to which it adds its pid
   */
  constructor(count, { paths, foreign, joining, program, ledger }) {
    this.#program = program;
    this.#ledger = ledger;
    this.#paths = paths;
    this.#foreign = foreign;
    this.#joining = joining;
    this.#places = Array.from({ length: count }, () => this.#start());
  }

  /** The process ids of the living processes, as far as is known. */
  get pids() {
    return [...this.#living].map(({ pid }) => pid);
  }

  /**
   * Whether a process is, or was, one of them.
   *
   * @param {number} pid
   */
  knows(pid) {
    return this.#ended.has(pid) || this.pids.includes(pid);
  }

  /**
   * Whether one of them lived at a moment, or later.
   *
   * @param {number} pid
   * @param {number} moment
   */
  livedAt(pid, moment) {
    return this.pids.includes(pid) || (this.#ended.get(pid) ?? 0) >= moment;
  }

  /** All of them, once the replacements have started. */
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
    const forces = actions.filter(({ what }) => what === 'force');
    const forcing = new Set(forces.map(({ process }) => process));
    const forced = new Set(forces.map(({ endpoint }) => endpoint));
    for (const endpoint of forced) this.forced.add(endpoint);
    const begun = [];
    for (const action of actions) {
      if (action.pauseMs > 0) await pause(action.pauseMs);
      // A command's server ends for all processes.
      begun.push(this.#carryOut(action, forcing.has(action.process) || forced.has(action.endpoint)));
    }
    return begun;
  }

  /**
   * @param {Action} action
   * @param {boolean} forced whether its references may end by force in this round
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
    const by = this.by(place, endpoint);
    switch (what) {
      case 'acquire':
        await process.ask('acquire', { path, ...by, options: { lingerMs, timeoutMs, failoverTimeoutMs } });
        return;
      case 'flap':
        // Starting a keeper takes many times as long as starting a function.
        await process.ask('flap', {
          path,
          ...by,
          times: 'server' in by ? 1 : times,
          options: { timeoutMs, failoverTimeoutMs },
        });
        return;
      case 'hasty':
        await process.ask('acquire', { path, ...by, options: { timeoutMs: hasty, failoverTimeoutMs } });
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
      case 'killKeeper':
      case 'stopKeeper':
      case 'killServer':
      case 'stopServer':
        await this.#meddle(path, what);
        return;
      case 'quit':
        this.#replace(place, process, process.ended);
        // It no longer answers.
        process.signal('SIGCONT');
        await process.ask('quit').catch(() => {});
        return;
    }
  }

  /**
   * Kills or stops the keeper of an endpoint, or its server once that is up. A server that is killed earlier would count as
   * failed.
   *
   * @param {string} path
   * @param {'killKeeper' | 'stopKeeper' | 'killServer' | 'stopServer'} what
   */
  async #meddle(path, what) {
    const info = await this.#manager.inspect(path);
    if (info?.server?.state !== 'running') return;
    const pid = what.endsWith('Server') ? info.server.pid : info.owner?.pid;
    if (pid !== undefined) signal(pid, what.startsWith('kill') ? 'SIGKILL' : 'SIGSTOP');
  }

  /**
   * Acquires a path at which a foreign program listens: it must be refused.
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
    // A process that gets two commands to end is replaced once.
    if (this.#doomed.has(process)) return;
    this.#doomed.add(process);
    this.#places[place] = ended.then(() => this.#start());
  }

  async #start() {
    const process = await Process.start(participant);
    this.#living.add(process);
    void process.ended.then(() => {
      this.#living.delete(process);
      this.#ended.set(process.pid, performance.now());
    });
    return process;
  }

  /**
   * What one serves with: nothing, a command in either mode, or a function. At the first endpoint all serve by a
   * command.
   *
   * @param {number} place
   * @param {number} endpoint
   */
  by(place, endpoint) {
    if (!this.#serves(place)) return { serve: false };
    if (place % 3 !== 1 && endpoint !== 0) return { serve: true };
    const command = [this.#program, '{socket}', this.#ledger];
    return { server: { ...server, command, activate: place % 2 === 0 } };
  }

  /** @param {number} place */
  #serves(place) {
    return place < this.#places.length - this.#joining;
  }
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} name
 */
export function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
