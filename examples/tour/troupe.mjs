/** Starts the processes of the tour and talks to them; none of them outlives the tour, even if it fails. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./peer.mjs', import.meta.url));

/**
 * What a process answers: the part that belongs to what it was told to do.
 *
 * @typedef {object} Answer
 * @property {'owner' | 'member'} [role]
 * @property {boolean} [active]
 * @property {number} [count]
 * @property {string} [answer]
 * @property {string | undefined} [cut]
 */

/** @type {Set<Peer>} */
const running = new Set();

export class Peer {
  #child = fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  #exit = once(this.#child, 'exit');

  constructor() {
    running.add(this);
    this.#child.once('exit', () => running.delete(this));
  }

  get pid() {
    return this.#child.pid ?? 0;
  }

  /**
   * Has it do something, and waits for the answer.
   *
   * @param {'acquire' | 'look' | 'get' | 'begin' | 'finish' | 'close'} name
   * @param {string} [path]
   * @returns {Promise<Answer>}
   */
  async do(name, path = '') {
    const answer = once(this.#child, 'message');
    this.#child.send({ name, path });
    const gone = this.#exit.then(([code, signal]) => {
      throw new Error(`not as told: process ${this.pid} ended (${signal ?? code}) instead of an answer to "${name}"`);
    });
    const [result] = await Promise.race([answer, gone]);
    return result;
  }

  /** Its exit code, once it has ended without being killed. */
  async exit() {
    const [code] = await this.#exit;
    return code;
  }

  /** Ends it as a crash or the OOM killer would. */
  async kill() {
    this.#child.kill('SIGKILL');
    await this.#exit;
  }
}

/** Ends the processes that are left. */
export async function clearStage() {
  await Promise.all([...running].map((peer) => peer.kill()));
}
