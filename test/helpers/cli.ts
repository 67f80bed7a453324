import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { logFiles } from '#src/keeper/log-place.js';
import { atEnd, whenGivenUp } from './at-end.js';
import { withDirectory } from './directory.js';
import { endProcessesOf } from './processes.js';

/** The command line module by module, as the compiler wrote it. */
export const modules = fileURLToPath(new URL('../../dist/modules/cli/main.js', import.meta.url));

/** The command line as users get it. */
export const bundled = fileURLToPath(new URL('../../dist/bin/sockref.cjs', import.meta.url));

/** What tests run: the bundle. It is minified, so a run that measures coverage takes the modules. */
const usual = process.env['NODE_V8_COVERAGE'] === undefined ? bundled : modules;

/** How it runs. Missing settings are those of this process. */
export interface CliOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Its stdin. Default: empty. */
  readonly input?: string;
  /** The program, if it is not the usual one. */
  readonly program?: string;
  /** Descriptors in place of the pipes that the test reads, if any. */
  readonly stdout?: number;
  readonly stderr?: number;
  /** A command in place of Node with the program. */
  readonly command?: readonly [string, ...string[]];
}

/** Its exit, and all its output. */
export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running command line. It is killed at the end of the test if it is still running. */
export class Cli {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<CliResult>;
  readonly #changes = new Set<() => void>();

  constructor(args: readonly string[], options: CliOptions = {}) {
    const { env = {}, cwd, program = usual, command } = options;
    const [file, ...before] = command ?? [process.execPath, program];
    this.child = spawn(file, [...before, ...args], {
      stdio: ['pipe', options.stdout ?? 'pipe', options.stderr ?? 'pipe'],
      env: { ...process.env, ...env },
      ...(cwd !== undefined && { cwd }),
    });
    this.child.stdin?.on('error', () => {});
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#tell();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#tell();
    });
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      this.#tell();
      return { code, signal, stdout: this.stdout, stderr: this.stderr };
    });
    atEnd(async () => {
      this.child.kill('SIGKILL');
      await this.ended;
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Resolves once it has written a matching text. */
  async says(stream: 'stdout' | 'stderr', wanted: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = wanted.exec(this[stream]);
      if (found) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        await this.ended;
        const last = wanted.exec(this[stream]);
        if (last) return last;
        throw new Error(`It ended without saying ${wanted} on ${stream}:\n${this.stdout}\n${this.stderr}`);
      }
      await new Promise<void>((resolve) => this.#changes.add(resolve));
    }
  }

  #tell(): void {
    for (const change of this.#changes) change();
    this.#changes.clear();
  }
}

/** Runs it to its end. */
export function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const running = new Cli(args, options);
  running.child.stdin?.end(options.input ?? '');
  return running.ended;
}

/** A command line whose stdin, stdout and stderr are a terminal. Its output comes on stdout. */
export function onTerminal(args: readonly string[], env: Readonly<Record<string, string>>): Cli {
  const quoted = [process.execPath, usual, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  // No shell stays in between: it would get the terminal's signals, too, and could end by them.
  const command = ['script', '-qefc', `exec ${quoted}`, '/dev/null'] as const;
  return new Cli([], { env: { ...env, TERM: 'xterm', SHELL: '/bin/sh' }, command });
}

/** Runs a test with its own default directory, which must be empty at the end, and the environment that leads to it. */
export function withHome<Value>(
  test: (directory: string, env: Readonly<Record<string, string>>) => Value | Promise<Value>,
): Promise<Value> {
  return withDirectory((state) => {
    // Keepers, servers and commands inherit it in their environment.
    whenGivenUp(() => endProcessesOf(state));
    return withDirectory((directory) => test(directory, { SOCKREF_DIR: directory, XDG_STATE_HOME: state }));
  });
}

/** The directories of a test with servers. */
export interface Scene {
  /** The default directory. */
  readonly directory: string;
  /** The directory of the logs. */
  readonly state: string;
  readonly env: Readonly<Record<string, string>>;
  /** All output of the servers of a socket. */
  log(name: string): string;
  /** Writes a configuration for these sockets into the directory of the project. */
  configure(sockets: object): void;
  /** A directory below the project, made if it is missing. */
  below(path: string): string;
}

/** As {@link withHome}, for servers: with a project for a configuration, and with logs. */
export function withServed(test: (scene: Scene) => void | Promise<void>): Promise<void> {
  return withHome(async (directory, home) => {
    const state = home['XDG_STATE_HOME'] as string;
    const project = await mkdtemp(join(tmpdir(), 'p-'));
    try {
      await test({
        directory,
        state,
        env: { ...home, HOME: project },
        log: (name) => readFileSync(logFiles(join(directory, name), home).output, 'utf8'),
        configure: (sockets) => writeFileSync(join(project, 'sockref.config.json'), JSON.stringify({ sockets })),
        below: (path) => {
          const made = join(project, path);
          mkdirSync(made, { recursive: true });
          return made;
        },
      });
    } finally {
      rmSync(project, { recursive: true, force: true });
      rmSync(join(state, 'sockref'), { recursive: true, force: true });
    }
  });
}
