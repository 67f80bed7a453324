import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { exported, isVariable } from '#src/cli/run/exported.js';
import { shellCommand } from '#src/shell-words.js';
import { bundled, cli, withServed } from '../helpers/cli.js';

const shouter = fileURLToPath(new URL('../fixtures/shouter.mjs', import.meta.url));
const redis = `redis-server --port 0 --unixsocket {socket} --save ''`;

describe('the variables of a command', () => {
  it('have the path, under every requested name', () => {
    expect(exported('/x/a.sock')).toEqual({ SOCKREF_PATH: '/x/a.sock' });
    expect(exported('/x/a.sock', ['A', 'B'], { B: '{dir}', C: 'unix:{socket}?{other}' })).toEqual({
      SOCKREF_PATH: '/x/a.sock',
      A: '/x/a.sock',
      B: '/x/a.sock',
      C: 'unix:/x/a.sock?{other}',
    });
  });

  it.each(['A', '_a', 'DB_SOCKET', 'SOCKREF_PATH', 'SOCKREF_PATH_DB'])('may be called %s', (name) =>
    expect(isVariable(name)).toBe(true),
  );

  it.each(['', '1A', 'A B', 'A=B', 'A-B', 'ä', 'SOCKREF_DIR', 'SOCKREF_PATHS', 'SOCKREF_LISTEN_PATH'])(
    'may not be called %j',
    (name) => expect(isVariable(name)).toBe(false),
  );
});

describe('run --env', () => {
  it('gives a command the paths of two servers, one run inside the other', () =>
    withServed(async ({ directory, env }) => {
      const script = [
        'set -e',
        'redis-cli -s "$ONE" set who one >/dev/null',
        'redis-cli -s "$TWO" set who two >/dev/null',
        'redis-cli -s "$ONE" get who',
        'redis-cli -s "$TWO" get who',
        'echo "$ONE $TWO $SOCKREF_PATH"',
      ].join('\n');
      const inner = ['two.sock', '--env', 'TWO', '--env', 'SAME', '--serve', redis, '--', 'sh', '-c', script];

      const run = await cli(
        ['run', 'one.sock', '--env', 'ONE', '--serve', redis, '--', process.execPath, bundled, 'run', ...inner],
        { env },
      );
      const [one, two] = [join(directory, 'one.sock'), join(directory, 'two.sock')];
      expect(run).toMatchObject({ code: 0, stdout: `one\ntwo\n${one} ${two} ${two}\n`, stderr: '' });
      expect(readdirSync(directory)).toEqual([]);
    }));

  it('refuses a name that is not a variable, or a variable that would mislead sockref', () =>
    withServed(async ({ env }) => {
      for (const name of ['1A', 'SOCKREF_DIR']) {
        const run = await cli(['run', 'a.sock', '--env', name, '--', 'true'], { env });
        expect(run).toMatchObject({ code: 125, stdout: '' });
        expect(run.stderr).toMatch(
          new RegExp(`^sockref: --env must be the name of a variable .*, and is "${name}"\\n$`),
        );
      }
    }));

  it('has a counterpart in the configuration: export', () =>
    withServed(async ({ directory, env, configure, below }) => {
      const command = [process.execPath, shouter, '{socket}'];
      configure({ 'a.sock': { serve: command, export: { PGHOST: '{dir}', URL: 'unix:{socket}' } } });
      const run = await cli(['run', 'a.sock', '--', 'sh', '-c', 'echo "$PGHOST $URL"'], { env, cwd: below('.') });
      expect(run).toMatchObject({ code: 0, stdout: `${directory} unix:${directory}/a.sock\n`, stderr: '' });
      const other = await cli(['run', 'b.sock', '--', 'true'], { env, cwd: below('.') });
      expect(other.stderr).toMatch(
        /^sockref: No process serves \S+b\.sock, and \S+sockref\.config\.json does not name "b\.sock"; did you mean "a\.sock"\? It has "a\.sock"; [^\n]+\n$/,
      );
    }));
});

describe('a command that serves', () => {
  it('is shown as a text that can be pasted, and as a list of words', () =>
    withServed(async ({ env }) => {
      const program = shellCommand([process.execPath, shouter]);
      const serve = `${program} {socket} '' "two words" \\$HOME`;
      const shown = `${program} {socket} '' 'two words' '$HOME'`;
      const inspect = [process.execPath, bundled, 'inspect', 'a.sock'];
      const run = (more: string[]) => cli(['run', 'a.sock', '--serve', serve, '--', ...inspect, ...more], { env });
      expect((await run([])).stdout).toContain(`server:     ${shown}\n`);
      const { server } = JSON.parse((await run(['--json'])).stdout);
      expect(server.argv).toEqual([process.execPath, shouter, '{socket}', '', 'two words', '$HOME']);
      expect(server.command).toBe(shown);
    }));

  it('through npm at an activated socket fails with an error that says what to do', () =>
    withServed(async ({ env, below }) => {
      const manifest = { name: 'x', scripts: { start: 'node -e "process.exit(4)"' } };
      writeFileSync(join(below('.'), 'package.json'), JSON.stringify(manifest));
      const args = ['run', 'a.sock', '--activate', '--serve', 'npm run start', '--', 'true'];
      const run = await cli(args, { env, cwd: below('.') });
      expect(run.code).toBe(125);
      expect(run.stderr.split('\n')[0]).toMatch(
        /"npm run start": it exited with status 4 .*; npm does not pass descriptor 3 on to what it starts: name the server itself/,
      );
    }));
});
