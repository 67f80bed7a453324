import { readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { shellCommand } from '#src/shell-words.js';
import { bundled, Cli, cli, modules, withServed } from '../helpers/cli.js';

const shouter = fileURLToPath(new URL('../fixtures/shouter.mjs', import.meta.url));
const serve = `"${process.execPath}" "${shouter}" {socket}`;

/** A command for `run` that sends a word by another `sockref`, and prints the answer. */
const say = (word: string) => [
  'sh',
  '-c',
  `printf ${word} | "$0" "$1" connect "$SOCKREF_PATH"`,
  process.execPath,
  bundled,
];

describe('sockref run --serve', () => {
  it('starts the server with the first run, and ends it with the last', () =>
    withServed(async ({ directory, env }) => {
      expect(await cli(['run', 'a.sock', '--serve', serve, '--', ...say('hello')], { env })).toEqual({
        code: 0,
        signal: null,
        stdout: 'HELLO',
        stderr: '',
      });
      expect(readdirSync(directory)).toEqual([]);
    }));

  it('works module by module, too', () =>
    withServed(async ({ directory, env }) => {
      const args = ['run', 'a.sock', '--serve', serve, '--', ...say('hello')];
      expect(await cli(args, { env, program: modules })).toMatchObject({ code: 0, stdout: 'HELLO', stderr: '' });
      expect(readdirSync(directory)).toEqual([]);
    }));

  it('shares a running server as it is, even with another --serve', () =>
    withServed(async ({ directory, env }) => {
      const first = new Cli(['run', 'a.sock', '--serve', serve, '--', 'sh', '-c', 'echo up; read line; exit 9'], {
        env,
      });
      await first.says('stdout', /up/);
      const second = await cli(['run', 'a.sock', '--serve', 'no-such-server {socket}', '--', ...say('hi')], { env });
      expect(second).toMatchObject({ code: 0, stdout: 'HI' });
      const { stdout } = await cli(['ls'], { env });
      // As much of the command as there is room for: the path of Node makes it longer or shorter.
      expect(stdout).toMatch(/ 1 +1 +\d+s {2}\/.+ \(running\)\n/);
      const info = (await cli(['inspect', 'a.sock'], { env })).stdout;
      // Not as a pattern: the path of this checkout may have characters that mean something in one.
      expect(info).toContain(
        `\nserver:     ${shellCommand([process.execPath, shouter, '{socket}'])}\n            running, pid `,
      );
      expect(info).toMatch(/^ {12}running, pid \d+, 0 restarts$/m);
      first.child.stdin?.end('\n');
      expect((await first.ended).code).toBe(9);
      expect(readdirSync(directory)).toEqual([]);
    }));

  it('splits the command as a shell does, but runs no shell', () =>
    withServed(async ({ env, log }) => {
      await cli(['run', 'a.sock', '--serve', `${serve} 'one word' "$HOME" '' \\*`, '--', 'true'], { env });
      expect(log('a.sock')).toContain('shouter one word $HOME  * in');
    }));

  it('runs it in a shell with --shell', () =>
    withServed(async ({ env, log }) => {
      const script = `exec "${process.execPath}" "${shouter}" "$SOCKREF_LISTEN_PATH" $((6 * 7))`;
      const run = await cli(['run', 'a.sock', '--shell', '--serve', script, '--', ...say('hello')], { env });
      expect(run).toMatchObject({ code: 0, stdout: 'HELLO' });
      expect(log('a.sock')).toContain('shouter 42 in');
    }));

  it('shows the output of a server that could not be started, and where its log is', () =>
    withServed(async ({ directory, state, env }) => {
      const broken = `sh -c 'echo "cannot read config" >&2; echo "giving up" >&2; exit 3'`;
      const run = await cli(['run', 'a.sock', '--serve', broken, '--', 'echo', 'ran'], { env });
      expect(run).toMatchObject({ code: 125, stdout: '' });
      expect(run.stderr).toMatch(/^sockref: The server of \S+a\.sock failed: .* exited with status 3 .*\n/);
      expect(run.stderr).toContain(`${state}/sockref/a.sock-`);
      expect(run.stderr).toMatch(/\n {2}cannot read config\n {2}giving up\n$/);
      expect(readdirSync(directory)).toEqual([]);
    }));

  it('says when the server fails for good, and lets the command continue', () =>
    withServed(async ({ directory, env, configure }) => {
      configure({ 'a.sock': { serve, restart: 0 } });
      const running = new Cli(['run', 'a.sock', '--', 'sh', '-c', 'echo up; read line; exit 4'], {
        env,
        cwd: env['HOME'] as string,
      });
      await running.says('stdout', /up/);
      await cli(['connect', 'a.sock'], { env, input: 'end' });
      await running.says('stderr', /^sockref: The server of \S+a\.sock failed: .*; the command continues without it\n/);
      running.child.stdin?.end('\n');
      expect((await running.ended).code).toBe(4);
      expect(readdirSync(directory)).toEqual([]);
    }));

  it('refuses a command that cannot be split, and options without an effect', () =>
    withServed(async ({ env }) => {
      const cases: [string[], string][] = [
        [
          ['--serve', 'redis-server "{socket}'],
          'the command of --serve cannot be split into words: a quote is not closed',
        ],
        [['--serve', '  '], 'the command of --serve is empty'],
        [
          ['--linger', '3s'],
          '--linger is about the server; give one with --serve, or name a.sock in sockref.config.json',
        ],
        [['--stop-timeout', '3s'], '--stop-timeout is about the server'],
        [['--shell'], '--shell is about the server'],
      ];
      for (const [args, message] of cases) {
        const run = await cli(['run', 'a.sock', ...args, '--', 'echo', 'ran'], { env });
        expect(run).toMatchObject({ code: 125, stdout: '' });
        expect(run.stderr).toContain(`sockref: ${message}`);
      }
    }));
});

describe('the configuration', () => {
  it('names servers, for all directories below its own', () =>
    withServed(async ({ env, log, configure, below }) => {
      configure({ 'a.sock': { serve: `${serve} configured`, env: { SHOUT: 'loud' }, cwd: 'sub' } });
      const run = await cli(['run', 'a.sock', '--', ...say('hello')], { env, cwd: below('sub/deep') });
      expect(run).toMatchObject({ code: 0, stdout: 'HELLO', stderr: '' });
      expect(log('a.sock')).toContain(`shouter configured in ${realpathSync(below('sub'))} with loud`);
    }));

  it('can be in package.json, and give a list of words; without cwd the server runs beside it', () =>
    withServed(async ({ env, log, below }) => {
      const words = [process.execPath, shouter, '{socket}', 'two words'];
      const manifest = { name: 'x', sockref: { sockets: { 'a.sock': { serve: words } } } };
      writeFileSync(join(below('.'), 'package.json'), JSON.stringify(manifest));
      const run = await cli(['run', 'a.sock', '--', ...say('hello')], { env, cwd: below('sub') });
      expect(run).toMatchObject({ code: 0, stdout: 'HELLO', stderr: '' });
      expect(log('a.sock')).toContain(`shouter two words in ${realpathSync(below('.'))} with`);
    }));

  it('is overridden by the command line', () =>
    withServed(async ({ env, log, configure, below }) => {
      configure({ 'a.sock': { serve: 'no-such-server', linger: '1h' } });
      const cwd = below('sub');
      const run = await cli(['run', 'a.sock', '--serve', `${serve} given`, '--', 'true'], { env, cwd });
      expect(run).toMatchObject({ code: 0, stderr: '' });
      expect(log('a.sock')).toContain(`shouter given in ${realpathSync(cwd)}`);
      configure({ 'a.sock': { serve, linger: '1h' } });
      expect((await cli(['run', 'a.sock', '--linger', '0', '--', 'true'], { env, cwd })).code).toBe(0);
    }));

  it('sets mode, linger and shell', () =>
    withServed(async ({ directory, env, configure, below }) => {
      const script = `exec "${process.execPath}" "${shouter}" "$SOCKREF_LISTEN_PATH"`;
      configure({ 'a.sock': { serve: script, shell: true, mode: '0660', linger: '1h' } });
      const run = await cli(['run', 'a.sock', '--', 'stat', '-c', '%a', join(directory, 'a.sock')], {
        env,
        cwd: below('.'),
      });
      expect(run).toMatchObject({ code: 0, stdout: '660\n' });
      expect((await cli(['ls'], { env })).stdout).toContain(' lingering ');
      expect((await cli(['stop', 'a.sock'], { env })).code).toBe(0);
    }));
});
