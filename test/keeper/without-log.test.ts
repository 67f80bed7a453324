import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bundled, Cli, cli, withHome, withServed } from '../helpers/cli.js';
import { isRoot } from '../helpers/place.js';
import { onSmallDisk } from '../helpers/small-disk.js';

const shouter = fileURLToPath(new URL('../fixtures/shouter.mjs', import.meta.url));
const missing = { XDG_STATE_HOME: '/proc/missing' };
/** No directory can be made there, and only root may try. */
const reason = isRoot
  ? /"\/proc\/missing\/sockref".* failed with ENOENT; set XDG_STATE_HOME to a directory/
  : /"\/proc": it belongs to another user .*; set XDG_STATE_HOME to a directory/;
const serve = `"${process.execPath}" "${shouter}" {socket} for no log`;

/** A server that fails with a message. */
const failing = "sh -c 'echo the reason >&2; exit 3'";

describe('where no log can be written', () => {
  it('the end of the output is in the error, which says that there is no log, and why', () =>
    withHome(async (_, env) => {
      const run = await cli(['run', 'a.sock', '--serve', failing, '--', 'true'], { env: { ...env, ...missing } });
      expect(run).toMatchObject({ code: 125, stdout: '' });
      const [message, ...output] = run.stderr.trimEnd().split('\n');
      expect(message).toMatch(/status 3 .*\(no log: /);
      expect(message).toMatch(reason);
      expect(output).toEqual(['  the reason']);
    }));

  it('the server runs, and `logs` and `inspect` say that there is no log, and why', () =>
    withHome(async (directory, env) => {
      const all = { ...env, ...missing };
      const holder = new Cli(['run', 'a.sock', '--serve', serve, '--', 'sh', '-c', 'echo up; read line'], { env: all });
      await holder.says('stdout', /up/);
      for (const args of [
        ['logs', 'a.sock'],
        ['logs', '-f', 'a.sock'],
        ['inspect', 'a.sock'],
      ]) {
        const { code, stdout, stderr } = await cli(args, { env });
        expect(code).toBe(args[0] === 'logs' ? 1 : 0);
        expect(stdout + stderr).toMatch(/no log: /);
        expect(stdout + stderr).toMatch(reason);
      }
      holder.child.stdin?.end('\n');
      expect(await holder.ended).toMatchObject({ code: 0 });
      expect(readdirSync(directory)).toEqual([]);
    }));

  it('nothing is left of the output when keeper and server are killed', () =>
    withHome(async (directory, env) => {
      const all = { ...env, ...missing };
      const holder = new Cli(['run', 'a.sock', '--serve', serve, '--', 'sh', '-c', 'echo up; read line'], { env: all });
      await holder.says('stdout', /up/);
      const { owner, server } = JSON.parse((await cli(['inspect', '--json', 'a.sock'], { env })).stdout);
      const ended = holder.ended;
      process.kill(holder.pid, 'SIGKILL');
      process.kill(owner.pid, 'SIGKILL');
      process.kill(server.pid, 'SIGKILL');
      await ended;
      expect(
        readdirSync(join(directory, readdirSync(directory).find((name) => name.startsWith('.sr-')) ?? '')),
      ).toEqual(['a.sock']);
      await cli(['run', 'a.sock', '--serve', serve, '--', 'true'], { env: all });
      expect(readdirSync(directory)).toEqual([]);
    }));
});

describe('a user without a home', () => {
  // A user that is in no file, with the rights of the user who runs the tests.
  const command = ['unshare', '--user', '--map-user=12345', process.execPath] as const;

  it.each([
    ['with --serve', ['--serve', failing]],
    ['with a configuration', []],
  ])('has servers that run, and errors with their output: %s', (_, args) =>
    withServed(async ({ directory, below, configure }) => {
      configure({ 'a.sock': { serve: ['sh', '-c', 'echo the reason >&2; exit 3'] } });
      const env = { HOME: undefined, XDG_STATE_HOME: undefined, SOCKREF_DIR: directory };
      const run = ['run', 'a.sock', ...args, '--', 'true'];
      const { code, stderr } = await cli([bundled, ...run], { env, command, cwd: below('.') });
      expect(stderr).toMatch(/status 3 .*\(no log: .*HOME is not set.*set XDG_STATE_HOME/);
      expect(stderr).toContain('\n  the reason\n');
      expect(code).toBe(125);
      const logs = await cli([bundled, 'logs', 'a.sock'], { env, command });
      expect(logs).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^sockref: There is no place .*XDG_STATE_HOME/),
      });
    }),
  );
});

describe('on a disk that is full', () => {
  const full = 'import os, sys\nd = os.environ["XDG_STATE_HOME"]\nf = open(d + "/fill", "wb", buffering=0)\n';
  const fill = 'try:\n  while True: f.write(b"x" * 4096)\nexcept OSError: pass\n';

  it.each([
    ['before the server starts', '', 'print("last words")'],
    ['while the server runs', 'print("first words")\n', 'while os.fstat(1).st_size: pass\nprint("last words")'],
  ])('%s the end of its output is kept all the same', (when, before, after) =>
    withHome(async (_, { XDG_STATE_HOME: state = '', ...env }) => {
      const earlier = when.startsWith('before');
      const server = `python3 -uc '${before}${earlier ? '' : full + fill}${after}\nsys.exit(3)'`.replace(
        /^(python3 -uc ')/,
        '$1import os, sys\n',
      );
      const run = [process.execPath, bundled, 'run', 'a.sock', '--serve', server, '--', 'true'];
      const filled = ['sh', '-c', `${earlier ? `python3 -c '${full}${fill}'; ` : ''}exec "$@"`, 'sh', ...run];
      const [program = '', ...args] = onSmallDisk(state, 262_144);
      const options = { env: { ...env, XDG_STATE_HOME: state }, command: [program, ...args, ...filled] as [string] };
      const { stderr } = await cli([], options);
      expect(stderr).toMatch(/status 3 .*\(no log: /);
      expect(stderr).toContain(`${before ? '  first words\n' : ''}  last words\n`);
    }),
  );
});

it.each([
  { size: 'is shown whole', more: '' },
  { size: 'is cut off', more: ` ${'x'.repeat(200)}` },
])("what a keeper and a server's failure leave in files has no argument of a command that $size", ({ more }) =>
  withServed(async ({ state, env }) => {
    const args = ['run', 'a.sock', '--serve', `sh -c 'exit 3' sh --password opensesame${more}`, '--', 'true'];
    const { stderr } = await cli(args, { env });
    expect(stderr).toContain('opensesame');
    const files = readdirSync(join(state, 'sockref'));
    expect(files.filter((name) => name.endsWith('.keeper.log'))).toHaveLength(1);
    for (const name of files) expect(readFileSync(join(state, 'sockref', name), 'utf8')).not.toContain('opensesame');
  }),
);
