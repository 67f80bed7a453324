/** Starts the processes of the tour and talks to them; whatever happens, none outlives the tour. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./peer.js', import.meta.url));

/** What a process answers: what belongs to what it was told to do. */
export interface Answer {
  readonly role?: 'owner' | 'member';
  readonly active?: boolean;
  readonly count?: number;
  readonly answer?: string;
  readonly cut?: string | undefined;
}

const running = new Set<Peer>();

export class Peer {
  readonly #child = fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  readonly #exit = once(this.#child, 'exit');

  constructor() {
    running.add(this);
    this.#child.once('exit', () => running.delete(this));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Has it do something, and waits for the answer. */
  async do(name: 'acquire' | 'look' | 'get' | 'begin' | 'finish' | 'close', path = ''): Promise<Answer> {
    const answer = once(this.#child, 'message');
    this.#child.send({ name, path });
    const gone = this.#exit.then(([code, signal]) => {
      throw new Error(`not as told: process ${this.pid} ended (${signal ?? code}) instead of an answer to "${name}"`);
    });
    const [result] = await Promise.race([answer, gone]);
    return result;
  }

  /** Its exit code, once it has ended by itself. */
  async exit(): Promise<unknown> {
    const [code] = await this.#exit;
    return code;
  }

  /** As a crash, or the OOM killer. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
  }
}

/** Ends whoever is left. */
export async function clearStage(): Promise<void> {
  await Promise.all([...running].map((peer) => peer.kill()));
}
