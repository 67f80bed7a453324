import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Cli, cli, modules, withHome } from '../helpers/cli.js';
import { type Program, start } from '../helpers/program.js';
import { until } from '../helpers/until.js';

const signalled = fileURLToPath(new URL('../fixtures/signalled.mjs', import.meta.url));

type Env = Readonly<Record<string, string>>;

/** Runs a test while another process serves `a.sock`. */
function withServer(test: (directory: string, env: Env, owner: Program) => Promise<void>): Promise<void> {
  return withHome(async (directory, env) => {
    const owner = await start('holder.mjs', { env });
    await owner.ask({ do: 'acquire', path: 'a.sock', serve: true });
    await test(directory, env, owner);
    owner.end();
    await owner.exited;
  });
}

async function inspect(env: Env) {
  return JSON.parse((await cli(['inspect', 'a.sock', '--json'], { env })).stdout);
}

describe('sockref run', () => {
  it('runs a command with the path, its stdin and its stdout, and exits with its status', () =>
    withServer(async (directory, env) => {
      const script = 'echo "$SOCKREF_PATH $1"; cat; echo for stderr >&2; exit 7';
      const args = ['run', 'a.sock', '--', 'sh', '-c', script, 'sh', '--help'];
      expect(await cli(args, { env, input: 'from stdin' })).toEqual({
        code: 7,
        signal: null,
        stdout: `${join(directory, 'a.sock')} --help\nfrom stdin`,
        stderr: 'for stderr\n',
      });
      expect((await inspect(env)).references).toBe(1);
    }));

  it('works module by module, too', () =>
    withServer(async (directory, env) => {
      const args = ['run', 'a.sock', '--', 'printenv', 'SOCKREF_PATH'];
      expect(await cli(args, { env, program: modules })).toMatchObject({
        code: 0,
        stdout: `${join(directory, 'a.sock')}\n`,
      });
    }));

  it('holds a reference, with its label, as long as the command runs', () =>
    withServer(async (_, env) => {
      const running = new Cli(['run', 'a.sock', '--label', '007', '--', 'sh', '-c', 'echo up; read line'], { env });
      await running.says('stdout', /up/);
      expect((await inspect(env)).members).toMatchObject([{ pid: running.pid, label: '007', references: 1 }]);
      running.child.stdin?.end('\n');
      expect((await running.ended).code).toBe(0);
      expect((await inspect(env)).references).toBe(1);
    }));

  it('holds it even if `run` is killed, until the command and its children have ended', () =>
    withServer(async (directory, env) => {
      const gates = ['gate', 'second-gate'].map((name) => join(directory, name));
      for (const gate of gates) execFileSync('mkfifo', [gate]);
      const script = '(read line < "$2") & read line < "$1"; echo first; wait';
      const running = new Cli(['run', 'a.sock', '--', 'sh', '-c', `echo up; ${script}`, 'sh', ...gates], { env });
      await running.says('stdout', /up/);
      running.child.kill('SIGKILL');
      await new Promise((resolve) => running.child.once('exit', resolve));
      for (const gate of gates) {
        expect((await inspect(env)).references).toBe(2);
        // Resolves once the other end has opened it, too.
        await writeFile(gate, 'go on\n');
        rmSync(gate);
      }
      await until('both have ended', async () => (await inspect(env)).references === 1);
    }));

  it('passes signals on', () =>
    withServer(async (_, env) => {
      const signals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT', 'SIGTERM'] as const;
      const running = new Cli(['run', 'a.sock', '--', process.execPath, signalled, ...signals], { env });
      await running.says('stdout', /up/);
      for (const signal of signals) {
        running.child.kill(signal);
        await running.says('stdout', new RegExp(signal));
      }
      expect(await running.ended).toMatchObject({ code: 3, stderr: '' });
    }));

  it('ends by the signal that ended its command, after the release', () =>
    withServer(async (_, env) => {
      for (const signal of ['TERM', 'KILL', 'INT', 'PIPE'] as const) {
        const end = await cli(['run', 'a.sock', '--', 'sh', '-c', `kill -${signal} $$`], { env });
        expect(end).toMatchObject({ code: null, signal: `SIG${signal}`, stderr: '' });
      }
      expect((await inspect(env)).references).toBe(1);
    }));

  it('exits with 127 for a missing program, and with 126 for a file that cannot be executed', () =>
    withServer(async (directory, env) => {
      const missing = await cli(['run', 'a.sock', '--', 'no-such-program'], { env });
      expect(missing).toMatchObject({ code: 127, stdout: '' });
      expect(missing.stderr).toBe(
        'sockref: Cannot run "no-such-program": there is no such program; check its name, and PATH\n',
      );
      const refused = await cli(['run', 'a.sock', '--', directory], { env });
      expect(refused).toMatchObject({ code: 126, stdout: '' });
      expect(refused.stderr).toBe(`sockref: Cannot run "${directory}": it is not an executable file\n`);
      expect((await inspect(env)).references).toBe(1);
    }));

  it('exits with 125 if sockref itself fails, with its reason on stderr alone', () =>
    withHome(async (directory, env) => {
      const cases: [string[], RegExp][] = [
        [
          ['run', 'a.sock', '--', 'echo', 'ran'],
          /^sockref: No process serves \S+a\.sock; give the server with --serve /,
        ],
        [['run', '../a.sock', '--', 'echo', 'ran'], /^sockref: Invalid path "\.\.\/a\.sock": /],
        [['run', 'a\u001b[2J.sock', '--', 'echo', 'ran'], /^sockref: No process serves \S+a\\u001b\[2J\.sock; /],
        [['run', 'a.sock'], /^sockref: run needs a command after two dashes: /],
        [
          ['run', 'a.sock', '--timeout', 'soon', '--', 'echo', 'ran'],
          /^sockref: --timeout must be a number with a unit/,
        ],
        [
          ['run', 'a.sock', '--serve', 'x {socket}', 'echo', "it's"],
          /^sockref: put -- before the command: sockref run a\.sock --serve 'x \{socket\}' -- echo 'it'\\''s'\n$/,
        ],
        [
          ['run', 'a.sock', 'npm', 'test', '--', '--watch'],
          /^sockref: run takes one name before --, and got "npm" too; if .*: sockref run a\.sock -- npm test -- --watch\n$/,
        ],
      ];
      for (const [args, stderr] of cases) {
        const end = await cli(args, { env });
        expect(end).toMatchObject({ code: 125, stdout: '' });
        expect(end.stderr).toMatch(stderr);
        expect(end.stderr.trimEnd()).not.toContain('\n');
      }
      expect(readdirSync(directory)).toEqual([]);
    }));

  it('continues with its command when the socket is stopped by force, and says so', () =>
    withServer(async (directory, env, owner) => {
      const running = new Cli(['run', 'a.sock', '--', 'sh', '-c', 'echo up; read line; exit 4'], { env });
      await running.says('stdout', /up/);
      await cli(['stop', 'a.sock', '--force'], { env });
      await running.says('stderr', /^sockref: The socket .* was stopped by force; the command continues without it\n$/);
      expect(readdirSync(directory)).toEqual([]);
      running.child.stdin?.end('\n');
      expect((await running.ended).code).toBe(4);
      expect((await owner.line()).over).toContain('stopped by force');
    }));
});
