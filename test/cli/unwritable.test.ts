import { describe, expect, it } from 'vitest';
import { bundled, Cli, cli, withHome, withServed } from '../helpers/cli.js';
import { type Program, start } from '../helpers/program.js';
import { onFullDisk, withoutReader } from '../helpers/unwritable.js';

/** A program that makes the command line write to a lost terminal. */
const onLostTerminal = [
  'python3',
  '-c',
  'import os, sys; master, slave = os.openpty(); os.close(master); os.dup2(slave, 1); os.execv(sys.argv[1], sys.argv[1:])',
  process.execPath,
  bundled,
] as const;

type Env = Readonly<Record<string, string>>;

/** Runs a test while another process serves `a.sock`, and a killed one has left `b.sock`. */
function withSockets(test: (env: Env, owner: Program) => Promise<void>): Promise<void> {
  return withHome(async (_, env) => {
    const owner = await start('holder.mjs', { env });
    await owner.ask({ do: 'acquire', path: 'a.sock', serve: true });
    const dead = await start('holder.mjs', { env });
    await dead.ask({ do: 'acquire', path: 'b.sock', serve: true });
    dead.kill();
    await dead.exited;
    await test(env, owner);
    await cli(['doctor', '--fix'], { env });
    owner.end();
    await owner.exited;
  });
}

/** Each command that writes to stdout, with its status when its reader has left. */
const writing: readonly [args: readonly string[], status: number][] = [
  [['--help'], 0],
  [['--version'], 0],
  [['run', '--help'], 0],
  [['ls'], 0],
  [['ls', '--json'], 0],
  [['inspect', 'a.sock'], 0],
  [['inspect', 'a.sock', '--json'], 0],
  [['doctor'], 1],
  [['doctor', '--json'], 1],
  [['connect', 'a.sock'], 141],
];

describe('a reader of stdout that has left', () => {
  it('ends every command in silence', () =>
    withSockets(async (env) => {
      const end = ([args]: (typeof writing)[number]) =>
        withoutReader((stdout) => cli(args, { env, stdout, program: bundled, input: 'some input' }));
      const ends = await Promise.all(writing.map(end));
      for (const [at, [args, code]] of writing.entries()) {
        expect(ends[at], args.join(' ')).toMatchObject({ code, signal: null, stderr: '' });
      }
      const { references } = JSON.parse((await cli(['inspect', 'a.sock', '--json'], { env })).stdout);
      expect(references).toBe(1);
    }));

  it('ends the logs in silence, followed or not', () =>
    withServed(async ({ env }) => {
      await cli(['run', 'a.sock', '--serve', 'no-such-program', '--', 'true'], { env });
      for (const args of [
        ['logs', '--keeper', 'a.sock'],
        ['logs', '--keeper', '-f', 'a.sock'],
      ]) {
        const end = await withoutReader((stdout) => cli(args, { env, stdout }));
        expect(end, args.join(' ')).toMatchObject({ code: 0, signal: null, stderr: '' });
      }
    }));
});

/** An error of one line, and a status that says so. */
const refused = (errno: string) => ({
  code: 1,
  signal: null,
  stderr: expect.stringMatching(new RegExp(`^sockref: Cannot write to stdout: it failed with ${errno}; [^\\n]+\\n$`)),
});

describe('a stdout that cannot be written', () => {
  it('is an error in one line when the disk is full', () =>
    withSockets(async (env) => {
      const end = ([args]: (typeof writing)[number]) =>
        onFullDisk((stdout) => cli(args, { env, stdout, program: bundled, input: 'some input' }));
      for (const each of await Promise.all(writing.map(end))) expect(each).toMatchObject(refused('ENOSPC'));
    }));

  it('is an error in one line when the terminal was lost', () =>
    withSockets(async (env) => {
      for (const args of [['ls'], ['connect', 'a.sock']]) {
        const end = await cli(args, { env, command: onLostTerminal, input: 'some input' });
        expect(end, args.join(' ')).toMatchObject(refused('EIO'));
      }
    }));
});

describe('a stderr that cannot be written', () => {
  it.each([
    ['without a reader', withoutReader],
    ['full', onFullDisk],
  ] as const)('leaves run the status of its command: %s', (_, withStderr) =>
    withHome(async (_directory, env) => {
      const owner = await start('holder.mjs', { env });
      await owner.ask({ do: 'acquire', path: 'a.sock', serve: true });
      const end = await withStderr(async (stderr) => {
        const running = new Cli(['run', 'a.sock', '--', 'sh', '-c', 'echo up; read line; exit 4'], { env, stderr });
        await running.says('stdout', /up/);
        // The command cannot report this.
        await cli(['stop', 'a.sock', '--force'], { env });
        running.child.stdin?.end('\n');
        return running.ended;
      });
      expect(end).toMatchObject({ code: 4, signal: null });
      owner.end();
      await owner.exited;
    }),
  );

  it('does not change the status of a failure', () =>
    withHome(async (_, env) => {
      for (const [args, code] of [
        [['run', 'a.sock', '--', 'true'], 125],
        [['ls', '--nothing'], 2],
        [['connect', 'a.sock'], 1],
      ] as const) {
        expect(await withoutReader((stderr) => cli(args, { env, stderr })), args.join(' ')).toMatchObject({
          code,
          signal: null,
        });
      }
    }));
});
