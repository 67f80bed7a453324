import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import './interrupted.mjs';

/**
 * The running processes. An interrupted lab must not leave them behind: a stopped one would not even notice.
 *
 * @type {Set<Process>}
 */
const running = new Set();
process.on('exit', () => {
  for (const one of running) one.signal('SIGKILL');
});

/** A command that failed in the child. */
class CommandError extends Error {
  code;

  /** @param {{message: string, code?: string, stack?: string}} error */
  constructor({ message, code = '', stack = '' }) {
    super(message);
    this.code = code;
    // The stack of the throw, not of the arrival of the answer.
    if (stack) Object.assign(this, { stack });
  }
}

/** A child process that carries out commands: see child.mjs for its side. */
export class Process {
  #child;
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
  #asked = new Map();
  #next = 0;
  /** The process that answers; under strace it is not the started one. */
  pid = 0;
  /** Resolves with the signal that ended it, or null. */
  ended;

  /** @param {import('node:child_process').ChildProcess} child */
  constructor(child) {
    this.#child = child;
    running.add(this);
    this.ended = once(child, 'exit').then(([, signal]) => {
      running.delete(this);
      for (const { reject } of this.#asked.values())
        reject(new CommandError({ message: 'it has ended', code: 'ENDED' }));
      this.#asked.clear();
      return /** @type {NodeJS.Signals | null} */ (signal);
    });
    child.on('message', (message) => this.#message(/** @type {any} */ (message)));
    // A command to a process that was just killed: `ended` reports that.
    child.on('error', () => {});
  }

  /**
   * Starts a program of Node, or of Python.
   *
   * @param {string | URL} program
   * @param {{under?: readonly string[], args?: readonly string[]}} [how] `under`: a program, with its arguments, that
   * starts it
   */
  static async start(program, { under = [], args = [] } = {}) {
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    const path = fileURLToPath(new URL(program));
    const [execPath = process.execPath, ...rest] = [...under, path.endsWith('.py') ? 'python3' : process.execPath];
    const child = fork(path, args, {
      env,
      execPath,
      execArgv: rest,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const started = new Process(child);
    const first = await Promise.race([once(child, 'message'), started.ended]);
    if (!Array.isArray(first)) throw new CommandError({ message: 'it ended before it was ready', code: 'ENDED' });
    started.pid = first[0].ready;
    return started;
  }

  /** Whether it still runs, as far as is known. */
  get alive() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /**
   * Sends it a command; resolves with its answer.
   *
   * @param {string} command
   * @param {unknown} [argument]
   * @returns {Promise<any>}
   */
  ask(command, argument) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      if (!this.#child.connected) {
        reject(new CommandError({ message: 'it has ended', code: 'ENDED' }));
        return;
      }
      this.#asked.set(id, { resolve, reject });
      this.#child.send({ id, command, argument }, () => {});
    });
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    // Without a process id it has not reported that it is ready yet.
    if (!this.alive || this.pid === 0) return;
    try {
      process.kill(this.pid, signal);
    } catch {
      // It has ended just now.
    }
  }

  /** Kills it, and waits until it is gone. */
  async kill() {
    this.signal('SIGKILL');
    await this.ended;
  }

  /** Lets it end normally, with its exit handlers. */
  async end() {
    if (this.#child.connected) this.#child.disconnect();
    await this.ended;
  }

  /** @param {{id?: number, value?: unknown, error?: {message: string, code?: string}}} message */
  #message({ id, value, error }) {
    if (id === undefined) return;
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (error) asked?.reject(new CommandError(error));
    else asked?.resolve(value);
  }
}

/**
 * Starts several processes of one program.
 *
 * @param {number} count
 * @param {string | URL} program
 */
export function startAll(count, program) {
  return Promise.all(Array.from({ length: count }, () => Process.start(program)));
}
