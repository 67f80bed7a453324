import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type Behind, behind, keeperOf, serverOf } from '../helpers/behind.js';
import { bundled, Cli, cli } from '../helpers/cli.js';
import { fixture } from '../helpers/program.js';

const serve = `redis-server --port 0 --unixsocket {socket} --save ''`;

/** Numbers at which Node marks inherited descriptors as closed on exec, and numbers at which it does not. */
const numbers = [
  { name: '3 to 16', fds: [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16] },
  { name: '3 to 24', fds: [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24] },
  { name: '17 to 19, 63, 200 and 1023', fds: [17, 18, 19, 63, 200, 1023] },
];

/** The starters of the keeper: the words of a program that prints a line when the server is up, and runs until its stdin ends. */
const starters = {
  'the command line': (path: string) => [
    process.execPath,
    bundled,
    'run',
    path,
    '--serve',
    serve,
    '--',
    'sh',
    '-c',
    'echo up; exec cat',
  ],
  'the library': (path: string) => [process.execPath, fixture('serves-by-redis.mjs'), path],
  'the library in a worker': (path: string) => [process.execPath, fixture('serves-by-redis.mjs'), path, 'worker'],
};

/** A shell script that opens the caller's file at these numbers and becomes the program. */
function opening(file: string, fds: readonly number[], words: readonly string[]): readonly [string, ...string[]] {
  return ['bash', '-c', `exec "$@" ${fds.map((fd) => `${fd}<"${file}"`).join(' ')}`, 'bash', ...words];
}

/** The targets of the descriptors of a process. */
function targetsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      // Closed meanwhile.
      return '';
    }
  });
}

describe.each(Object.entries(starters))('a keeper that %s starts, and its server', (_, words) => {
  it.each(numbers)('have no descriptor that the starter has open at $name', ({ fds }) =>
    behind(async (where) => {
      const { path, file } = given(where);
      const [command, ...args] = opening(file, fds, words(path));
      const starter = new Cli(args, { command: [command] });
      await starter.says('stdout', /up\n/);
      const keeper = targetsOf(keeperOf(path));
      const server = targetsOf(serverOf(path));
      expect(keeper).not.toContain(file);
      expect(server).not.toContain(file);
      // Its own lock, once: no copies of it, and no other file of the starter in these directories.
      const locks = [keeper, server].map((targets) => targets.filter((target) => target === `${path}.lock`).length);
      expect(locks, inspect({ keeper, server })).toEqual([1, 0]);
      starter.child.stdin?.end();
      expect(await starter.ended).toMatchObject({ code: 0, stderr: '' });
    }),
  );
});

describe('while a server lingers', () => {
  it('a lock that its first starter held is free', () =>
    behind(async (where) => {
      const { path, file } = given(where);
      const run = [process.execPath, bundled, 'run', path, '--linger', '1h', '--serve', serve, '--', 'true'];
      const script = `(flock -n 200 || exit 9; "$@") 200>"${file}" && flock -n "${file}" echo free`;
      expect(await cli(run, { command: ['bash', '-c', script, 'bash'] })).toMatchObject({ code: 0, stdout: 'free\n' });
      await cli(['stop', path]);
    }));

  it('a pipe that its first starter wrote to has ended', () =>
    behind(async (where) => {
      const { path } = given(where);
      const run = [process.execPath, bundled, 'run', path, '--linger', '1h', '--serve', serve, '--', 'true'];
      // Bash waits for the process that reads the pipe to its end.
      const script = '"$@" 20> >(cat; echo ended >&2); wait $!';
      expect(await cli(run, { command: ['bash', '-c', script, 'bash'] })).toMatchObject({ code: 0, stderr: 'ended\n' });
      await cli(['stop', path]);
    }));
});

it('a keeper whose starter is killed before it has sent the task releases the lock', () =>
  behind(async ({ directory }) => {
    const path = join(directory, 'a.sock');
    const starter = new Cli([fixture('killed-at-keeper-start.mjs'), path], { command: [process.execPath] });
    expect(await starter.ended).toMatchObject({ signal: 'SIGKILL' });
    const next = ['run', path, '--serve', serve, '--', 'sh', '-c', 'redis-cli -s "$SOCKREF_PATH" PING'];
    expect(await cli(next)).toMatchObject({ code: 0, stdout: 'PONG\n', stderr: '' });
  }));

function given({ directory, scratch }: Behind): { path: string; file: string } {
  const file = join(scratch, 'of the caller');
  writeFileSync(file, 'data\n');
  return { path: join(directory, 'a.sock'), file };
}
