import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import * as sockref from 'sockref';
import { stop } from '../../labs/lib/signals.mjs';
import { createDriver } from '../fixtures/participant.mjs';
import { whenGivenUp } from './at-end.js';
import { secondCopy } from './second-copy.js';

/** Where a participant lives, relative to the test. */
export type Kind = 'same' | 'manager' | 'copy' | 'thread' | 'process' | 'python';

/** A command of the driver protocol (test/scenarios/README.md). */
interface Command {
  readonly do: string;
  readonly [argument: string]: unknown;
}

/** The answer; `error` if the command failed. */
// biome-ignore lint/suspicious/noExplicitAny: answers are JSON, and each command has its own.
export type Answer = Record<string, any>;

/** One participant in a test: it holds references and carries out commands. */
export interface Participant {
  readonly name: string;
  readonly kind: Kind;
  /** Its process; the test's own process for a participant in it. */
  readonly pid: number;
  call(command: Command): Promise<Answer>;
  /** Ends it without giving it a chance to clean up. Resolves when it is gone. */
  crash(): Promise<void>;
  /** Ends it by `process.exit`. Resolves when it is gone. */
  exit(): Promise<void>;
  /** Stops its process. Resolves when all its threads have stopped. */
  stop(): Promise<void>;
  /** Continues a stopped process. */
  goOn(): void;
  /** Releases it, at the end of a test. */
  end(): Promise<void>;
}

type Send = (line: string) => void;

/** Pairs answers with the commands that they belong to. */
class Calls {
  readonly #open = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  readonly #send: Send;
  readonly #name: string;
  #last = 0;
  #over = false;

  constructor(name: string, send: Send) {
    this.#name = name;
    this.#send = send;
  }

  call(command: Command): Promise<Answer> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      if (this.#over) return reject(new Error(`participant ${this.#name} is gone; it cannot ${command.do}`));
      this.#open.set(id, { resolve, reject });
      this.#send(JSON.stringify({ ...command, id }));
    });
  }

  answered(line: string): void {
    const answer = JSON.parse(line) as Answer;
    const call = this.#open.get(answer['id']);
    this.#open.delete(answer['id']);
    call?.resolve(answer);
  }

  over(): void {
    this.#over = true;
    for (const { reject } of this.#open.values()) reject(new Error(`participant ${this.#name} is gone`));
    this.#open.clear();
  }
}

/** A caller that no longer waits gets no error when there will be no answer. */
function ignore(promise: Promise<unknown>): void {
  promise.catch(() => {});
}

const participantProgram = fileURLToPath(new URL('../fixtures/participant.mjs', import.meta.url));

const pythonProgram = fileURLToPath(new URL('../../python/tests/participant.py', import.meta.url));

/** Starts a participant; it is ready when the promise resolves. */
export async function participant(name: string, kind: Kind, options: StartOptions = {}): Promise<Participant> {
  switch (kind) {
    case 'same':
      return inThread(name, kind, createDriver(sockref, name));
    case 'manager':
      return inThread(name, kind, createDriver(sockref, name, new sockref.SocketManager()));
    case 'copy': {
      const copy = await secondCopy();
      return inThread(name, kind, createDriver(copy, name, new copy.SocketManager()));
    }
    case 'thread':
      return inWorker(name);
    case 'process': {
      const { through = [], program = participantProgram } = options;
      return inProcess(name, kind, [...through, process.execPath, '--expose-gc', program, name]);
    }
    case 'python': {
      const { through = [], program = pythonProgram } = options;
      return inProcess(name, kind, [...through, 'python3', program, name]);
    }
  }
}

/** How a participant in a process is started. */
export interface StartOptions {
  /** Programs, with their arguments, that start Node or Python. */
  readonly through?: readonly string[];
  /** The program, if it is not the participant itself: it gets the name as its argument. */
  readonly program?: string;
}

/** The answers of several participants to the same command. */
export function all(who: readonly Participant[], command: Command): Promise<Answer[]> {
  return Promise.all(who.map((one) => one.call(command)));
}

function inThread(name: string, kind: Kind, handle: (command: Command) => Promise<Answer>): Participant {
  const cannot = (): never => {
    throw new Error(`a participant of kind "${kind}" shares the test's own thread`);
  };
  return {
    name,
    kind,
    pid: process.pid,
    call: (command) => handle(command),
    crash: cannot,
    exit: cannot,
    stop: cannot,
    goOn: cannot,
    end: async () => {
      await handle({ do: 'reset' });
    },
  };
}

function noSignals(): never {
  throw new Error('a worker gets no signals');
}

async function inWorker(name: string): Promise<Participant> {
  const worker = new Worker(participantProgram, { workerData: { participant: name } });
  const calls = new Calls(name, (line) => worker.postMessage(line));
  worker.on('message', (line: string) => calls.answered(line));
  const exited = once(worker, 'exit').then(() => calls.over());
  await calls.call({ do: 'info' });
  return {
    name,
    kind: 'thread',
    pid: process.pid,
    call: (command) => calls.call(command),
    crash: async () => {
      await worker.terminate();
      await exited;
    },
    exit: async () => {
      ignore(calls.call({ do: 'exit' }));
      await exited;
    },
    stop: noSignals,
    goOn: noSignals,
    end: async () => {
      await worker.terminate();
      await exited;
    },
  };
}

async function inProcess(name: string, kind: Kind, command: readonly string[]): Promise<Participant> {
  const child = spawn(command[0] as string, command.slice(1), {
    stdio: ['pipe', 'pipe', 'inherit'],
  }) as ChildProcess & {
    stdin: NonNullable<ChildProcess['stdin']>;
    stdout: NonNullable<ChildProcess['stdout']>;
  };
  const calls = new Calls(name, (line) => child.stdin.write(`${line}\n`));
  // `close` reports its end. A command that it could not read any more is not a failure.
  child.stdin.on('error', () => {});
  createInterface({ input: child.stdout }).on('line', (line) => calls.answered(line));
  const exited = once(child, 'close').then(() => calls.over());
  // It may belong to later tests, too, which will not run then.
  whenGivenUp(() => child.kill('SIGKILL'));
  const { pid } = await calls.call({ do: 'info' });
  return {
    name,
    kind,
    pid,
    call: (line) => calls.call(line),
    crash: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    exit: async () => {
      ignore(calls.call({ do: 'exit' }));
      await exited;
    },
    stop: () => stop(pid),
    goOn: () => void process.kill(pid, 'SIGCONT'),
    end: async () => {
      child.kill('SIGCONT');
      child.stdin.end();
      await exited;
    },
  };
}
