import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { stop } from '../../labs/lib/signals.mjs';
import { atEnd } from './at-end.js';

const fixtures = new URL('../fixtures/', import.meta.url);

/** The file of a fixture program. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(name, fixtures));
}

/** How a program starts. Missing settings are those of this process. */
export interface ProgramOptions {
  /** Added to the environment; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly args?: readonly string[];
  /** Flags for Node, such as `--expose-gc`. Default: none. */
  readonly execArgv?: readonly string[];
  /** A command that runs the program, such as `['strace', '-f']`. The program's command follows it. */
  readonly under?: readonly string[];
  readonly cwd?: string;
  /** The Node that runs it. Default: the one that runs the tests. */
  readonly node?: string;
  readonly uid?: number;
  readonly gid?: number;
}

/** How a program ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Its whole stderr. */
  readonly stderr: string;
}

/** A line that a program wrote: parsed if it is JSON, else as text. */
// biome-ignore lint/suspicious/noExplicitAny: what a fixture tells is known by the test that starts it
export type Line = any;

interface Wanted {
  resolve(line: Line): void;
  reject(error: Error): void;
}

/**
 * A fixture program: a process that reads commands as lines of JSON on stdin, and writes lines on stdout. It is killed
 * at the end of the test if it still runs.
 */
export class Program {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #isGroup: boolean;
  readonly #asked = new Map<number, Wanted>();
  readonly #told: Line[] = [];
  readonly #waiting: Wanted[] = [];
  #lastId = 0;
  #stderr = '';
  #rest = '';
  #over: Error | undefined;
  /** Resolves when the program has ended and everything that it wrote was read. */
  readonly exited: Promise<Exit>;

  constructor(name: string, child: ChildProcess, isGroup: boolean) {
    this.#name = name;
    this.#isGroup = isGroup;
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => this.#read(chunk));
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#stderr += chunk;
    });
    // A program that has ended does not read the command: `exited` reports that.
    child.stdin?.on('error', () => {});
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#end(`ended with ${signal ?? `code ${code}`}`);
        resolve({ code, signal, stderr: this.#stderr });
      });
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Its stderr so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /**
   * Sends a command, with an `id` added, and resolves to the line that has the same `id`.
   *
   * @throws the `error` of that line, as an Error with its fields
   */
  ask(command: Readonly<Record<string, unknown>>): Promise<Line> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      if (this.#over) return reject(this.#over);
      this.#asked.set(id, { resolve, reject });
      this.#child.stdin?.write(`${JSON.stringify({ ...command, id })}\n`);
    });
  }

  /** The next line that is not an answer. Earlier lines are kept for later calls. */
  line(): Promise<Line> {
    if (this.#told.length > 0) return Promise.resolve(this.#told.shift());
    return new Promise((resolve, reject) => {
      if (this.#over) return reject(this.#over);
      this.#waiting.push({ resolve, reject });
    });
  }

  /** Closes its stdin: most programs end then. */
  end(): void {
    this.#child.stdin?.end();
  }

  /**
   * Sends a signal, by default SIGKILL, also to the command that runs it. Does nothing once it has ended. It does not wait
   * for the effect: {@link stop} and `exited` do.
   */
  kill(signal: Exclude<NodeJS.Signals, 'SIGSTOP'> = 'SIGKILL'): void {
    if (!this.#isGroup) this.#child.kill(signal);
    else if (!this.#over) this.#killGroup(signal);
  }

  /** Stops it. Resolves when all its threads have stopped; `kill('SIGCONT')` continues it. */
  stop(): Promise<void> {
    return stop(this.pid);
  }

  #killGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch {
      // All of it has ended, and Node has not reported that yet.
    }
  }

  #read(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const text of lines) this.#line(parse(text));
  }

  #line(line: Line): void {
    const asked = this.#asked.get(line?.id);
    if (!asked) {
      const waiting = this.#waiting.shift();
      if (waiting) waiting.resolve(line);
      else this.#told.push(line);
      return;
    }
    this.#asked.delete(line.id);
    if (line.error) asked.reject(Object.assign(new Error(line.error.message), line.error));
    else asked.resolve(line);
  }

  #end(how: string): void {
    const over = new Error(`${this.#name} ${how}\n${this.#stderr}`);
    this.#over = over;
    for (const { reject } of [...this.#asked.values(), ...this.#waiting]) reject(over);
    this.#asked.clear();
    this.#waiting.length = 0;
  }
}

/**
 * Starts a program of `test/fixtures` and resolves when it runs. Its first report is a line.
 *
 * @example
 * ```ts
 * const program = await start('holder.mjs', { args: [directory] });
 * const { references } = await program.ask({ do: 'acquire', path });
 * program.kill();
 * await program.exited;
 * ```
 */
export async function start(name: string, options: ProgramOptions = {}): Promise<Program> {
  const { env = {}, args = [], execArgv = [], under = [], node = process.execPath, cwd, uid, gid } = options;
  const file = name.startsWith('/') ? name : fileURLToPath(new URL(name, fixtures));
  const [command, ...rest] = [...under, node, ...execArgv, file, ...args] as [string, ...string[]];
  const child = spawn(command, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group, because a kill of the runner alone would leave the program running.
    detached: under.length > 0,
    env: { ...process.env, ...env },
    ...(cwd !== undefined && { cwd }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  });
  const program = new Program(name, child, under.length > 0);
  atEnd(async () => {
    program.kill();
    await program.exited;
  });
  await once(child, 'spawn');
  return program;
}

function parse(text: string): Line {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
