import { execFile } from 'node:child_process';
import { chownSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type AcquireOptions, acquire } from 'sockref';
import { expect } from 'vitest';
import { whenGivenUp } from './at-end.js';
import { withDirectories } from './directory.js';
import { endProcessesOf, processesOf } from './processes.js';
import { until } from './until.js';

const run = promisify(execFile);

/** What a server needs to run as a command. */
export type ServerCommand = NonNullable<AcquireOptions['server']>;

/** The directories of a test with a server. */
export interface Behind {
  /** For sockets; must be empty at the end. */
  readonly directory: string;
  /** For files of the server. At the end no process may use it. */
  readonly scratch: string;
}

/** The reference of a test while its server must be up. */
interface Held {
  close(): Promise<unknown>;
}

/**
 * Runs a test with directories for a server and its socket. Asserts that no file and no process is left.
 *
 * @param owner - who the directories are given to; this user, if not given
 */
export async function behind(test: (where: Behind) => Promise<void>, owner?: number): Promise<void> {
  await withDirectories(2, async (directory, scratch = '') => {
    const state = join(scratch, 'state');
    await mkdir(state, { mode: 0o700 });
    if (owner !== undefined) for (const each of [directory, scratch, state]) chownSync(each, owner, owner);
    const before = process.env['XDG_STATE_HOME'];
    // The logs are there, and the path marks the processes of the test.
    process.env['XDG_STATE_HOME'] = state;
    whenGivenUp(() => endProcessesOf(scratch));
    try {
      await test({ directory, scratch });
      // A keeper ends a moment after the last file is gone.
      await until('no process is left', () => processesOf(scratch).length === 0);
    } finally {
      endProcessesOf(scratch);
      process.env['XDG_STATE_HOME'] = before;
      for (const name of await readdir(scratch)) await rm(join(scratch, name), { recursive: true, force: true });
    }
  });
}

/**
 * Starts a server with the first reference and ends it with the last one, twice. Each time a client of its kind uses
 * it.
 */
export async function twice(
  where: Behind,
  name: string,
  server: ServerCommand,
  client: (path: string, cycle: number) => Promise<void>,
  hold: (path: string, server: ServerCommand) => Promise<Held> = (path) => acquire(path, { server }),
): Promise<void> {
  const path = join(where.directory, name);
  for (const cycle of [1, 2]) {
    const held = await hold(path, server);
    await client(path, cycle);
    // The keeper and the server run now: otherwise their absence later would prove nothing.
    expect(processesOf(where.scratch).length).toBeGreaterThanOrEqual(2);
    await held.close();
    expect(readdirSync(where.directory)).toEqual([]);
    await until('no process is left', () => processesOf(where.scratch).length === 0);
  }
}

/** Runs a client to its end, and returns what it wrote. */
export async function output(program: string, args: readonly string[], options: object = {}): Promise<string> {
  const { stdout } = await run(program, args, { encoding: 'utf8', ...options });
  return stdout.trimEnd();
}

/** The answer of an HTTP server behind a socket, by curl. */
export function curl(path: string): Promise<string> {
  // Without the user's configuration of curl.
  return output('curl', [
    '--disable',
    '--silent',
    '--show-error',
    '--fail',
    '--unix-socket',
    path,
    'http://localhost/',
  ]);
}

/** All output of the servers. */
export function logsOf({ scratch }: Behind): string {
  const folder = join(scratch, 'state/sockref');
  const files = readdirSync(folder).filter((name) => name.endsWith('.log') && !name.endsWith('.keeper.log'));
  return files.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
}

/** The server's process, as the record in the lock file names it. */
export function serverOf(path: string): number {
  const servers = readFileSync(`${path}.lock`, 'utf8')
    .split('\n')
    // The last line may be incomplete.
    .slice(0, -1)
    .flatMap((line) => JSON.parse(line).server?.pgid ?? []);
  const last = servers.at(-1);
  if (typeof last !== 'number') throw new Error(`The record of ${path} names no server`);
  return last;
}

/** The keeper's process, as the record names it. */
export function keeperOf(path: string): number {
  const [header = ''] = readFileSync(`${path}.lock`, 'utf8').split('\n');
  return JSON.parse(header).pid;
}
