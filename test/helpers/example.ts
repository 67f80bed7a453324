import { type SpawnOptions, spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { whenGivenUp } from './at-end.js';
import { copyPackage, giveTo, nodeForEveryUser } from './copied-package.js';
import { makeDirectory } from './directory.js';
import { endProcessesOf, processesOf } from './processes.js';
import { root } from './samples.js';
import { until } from './until.js';

/** How a command in an example ended. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A copy of a folder in `examples`, installed as a reader would install it. */
export class Example {
  /** The copy. */
  readonly folder: string;
  readonly #home: string;
  readonly #owner: number | undefined;
  /** The folder of the Node that runs it. */
  readonly #node: string;

  constructor(home: string, name: string, owner?: number) {
    this.#home = home;
    this.#owner = owner;
    this.folder = join(home, 'project');
    cpSync(join(root, 'examples', name), this.folder, {
      recursive: true,
      filter: (path) => !path.includes('node_modules'),
    });
    for (const part of ['tmp', 'sockets', 'state', 'bin']) mkdirSync(join(home, part), { mode: 0o700 });
    this.#install();
    this.#node = dirname(owner === undefined ? process.execPath : nodeForEveryUser(join(home, 'bin')));
    if (owner !== undefined) giveTo(owner, home);
  }

  /** The default directory of its sockets. */
  get sockets(): string {
    return join(this.#home, 'sockets');
  }

  /** Runs one of its npm scripts, without the messages of npm. */
  script(name: string): Promise<Outcome> {
    const command = readManifest(this.folder).scripts?.[name];
    if (command === undefined) throw new Error(`The example has no script "${name}"`);
    return this.run(command);
  }

  /** Runs a command in it, in a shell that finds its installed programs first, as `npm run` does. */
  async run(command: string, env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    const child = spawn('sh', ['-c', command], this.#options(env));
    const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => text(stream as NodeJS.ReadableStream));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, stdout: (await stdout) ?? '', stderr: (await stderr) ?? '' };
  }

  /** Its leftovers: files in its temporary directory, and sockets. */
  async leftovers(): Promise<string[]> {
    const left = ['tmp', 'sockets'].map(async (part) =>
      (await readdir(join(this.#home, part))).map((name) => `${part}/${name}`),
    );
    return (await Promise.all(left)).flat();
  }

  #options(env: Readonly<Record<string, string>>): SpawnOptions {
    return {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(this.#owner !== undefined && { uid: this.#owner, gid: this.#owner }),
      env: {
        ...process.env,
        PATH: `${join(this.folder, 'node_modules/.bin')}:${this.#node}:${process.env['PATH']}`,
        TMPDIR: join(this.#home, 'tmp'),
        SOCKREF_DIR: this.sockets,
        XDG_STATE_HOME: join(this.#home, 'state'),
        // Other users cannot write to the folder for the coverage.
        ...(this.#owner !== undefined && { NODE_V8_COVERAGE: '' }),
        ...env,
      },
    };
  }

  /** `npm install` would ask a registry. Everything that an example needs is in the root's node_modules. */
  #install(): void {
    const manifest = readManifest(this.folder);
    const modules = join(this.folder, 'node_modules');
    mkdirSync(join(modules, '.bin'), { recursive: true });
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })) {
      const to = join(modules, name);
      mkdirSync(dirname(to), { recursive: true });
      if (this.#owner !== undefined) copyPackage(name, modules);
      else symlinkSync(name === 'sockref' ? root : join(root, 'node_modules', name), to);
      const { bin = {} } = readManifest(to);
      const programs = typeof bin === 'string' ? { [name]: bin } : bin;
      for (const [program, file] of Object.entries(programs)) {
        symlinkSync(join(to, file), join(modules, '.bin', program));
      }
    }
  }
}

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly bin?: string | Readonly<Record<string, string>>;
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/**
 * Runs a test with a copy of an example, and asserts that it leaves no socket, no temporary file and no process.
 *
 * @param owner - who the copy belongs to, and who runs it; this user, if not given
 */
export async function withExample(
  name: string,
  test: (example: Example) => Promise<void>,
  owner?: number,
): Promise<void> {
  const home = await makeDirectory();
  whenGivenUp(() => endProcessesOf(home));
  try {
    const example = new Example(home, name, owner);
    await test(example);
    expect(await example.leftovers()).toEqual([]);
    // A keeper ends a moment after the last file is gone.
    await until('no process is left', () => processesOf(home).length === 0);
  } finally {
    endProcessesOf(home);
    await rm(home, { recursive: true, force: true });
  }
}
