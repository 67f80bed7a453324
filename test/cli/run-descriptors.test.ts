import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kill } from '../../labs/lib/signals.mjs';
import { type Behind, behind, keeperOf } from '../helpers/behind.js';
import { bundled, Cli, type CliResult, cli } from '../helpers/cli.js';
import { fakeOwner } from '../helpers/control-peer.js';
import { until } from '../helpers/until.js';

const serve = `redis-server --port 0 --unixsocket {socket} --save ''`;

/** Finds the descriptor that only `run` can have given: in a variable of a script of bash. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: of the shell
const findHold = 'for hold in /proc/self/fd/*; do hold=${hold##*/}; [ "$hold" -gt 300 ] && break; done';

/** Runs a script of bash whose "$@" is `sockref run` with a redis-server, up to the dashes, and whose $0 is a file of the caller's. */
function under({ directory, scratch }: Behind, script: string): Promise<CliResult> {
  return cli([], { command: ['bash', '-c', script, ...wordsFor(directory, scratch)] });
}

function wordsFor(directory: string, scratch: string): string[] {
  const file = join(scratch, 'of the caller');
  writeFileSync(file, 'data\n');
  return [file, process.execPath, bundled, 'run', join(directory, 'a.sock'), '--serve', serve, '--'];
}

/** Where a command waits after its `run` was killed. */
function gateIn(scratch: string): string {
  const gate = join(scratch, 'gate');
  execFileSync('mkfifo', [gate]);
  return gate;
}

async function inspect(path: string) {
  return JSON.parse((await cli(['inspect', path, '--json'])).stdout);
}

describe('the command of sockref run', () => {
  it.each([
    ['low', [3, 4, 5, 6, 7, 8, 9]],
    ['all that Node marks, and beyond', [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]],
    ['with gaps', [4, 11, 16, 20, 63, 200, 1023]],
    ['of /dev/null', []],
  ])('has the descriptors that the caller gave, at their numbers: %s', (_, fds) =>
    behind(async (where) => {
      const list = 'cd /proc/self/fd; for fd in *; do [ -e "$fd" ] && echo "$fd $(readlink "$fd")"; done';
      const given = fds.length === 0 ? '3</dev/null 12</dev/null' : fds.map((fd) => `${fd}<"$0"`).join(' ');
      const plain = await under(where, `(exec bash -c '${list}') ${given} </dev/null`);
      const below = await under(where, `"$@" bash -c '${list}' ${given} </dev/null`);
      expect(below).toMatchObject({ code: 0, stderr: '' });
      // The pipes of a substitution and of the output differ in each run.
      const lines = ({ stdout }: CliResult) =>
        stdout
          .trimEnd()
          .split('\n')
          .map((line) => line.replace(/\[\d+\]/, ''));
      const more = lines(below).filter((line) => !lines(plain).includes(line));
      expect(lines(plain).filter((line) => !lines(below).includes(line))).toEqual([]);
      // If the caller passed one of /dev/null, it is unknown which one is Node's reserve.
      expect(more.filter((line) => !line.endsWith(' /dev/null'))).toEqual([expect.stringMatching(/^8\d\d socket:$/)]);
    }),
  );

  it('can read and write through them', () =>
    behind(async (where) => {
      const script = `"$@" sh -c 'cat <&4; cat <&8; echo note >&3' 3>"$0.out" 4<"$0" 8< <(echo piped); cat "$0.out"`;
      expect(await under(where, script)).toMatchObject({ code: 0, stdout: 'data\npiped\nnote\n', stderr: '' });
    }));

  it('has the jobserver of make', () =>
    behind(async (where) => {
      const makefile = join(where.scratch, 'makefile');
      writeFileSync(
        makefile,
        [
          'all:',
          '\t+@$(RUN) $(MAKE) -f $(firstword $(MAKEFILE_LIST)) both',
          'both: a b',
          'a b:',
          '\t@echo $@',
          '',
        ].join('\n'),
      );
      const script = `RUN=$(printf '%q ' "$@") exec make -j4 -s --jobserver-style=pipe SHELL=bash -f '${makefile}' all`;
      const old = `RUN=$(printf '%q ' "$@") exec make -j4 -s SHELL=bash -f '${makefile}' all`;
      const knowsStyles = (await cli([], { command: ['make', '--help'] })).stdout.includes('--jobserver-style');
      const made = await under(where, knowsStyles ? script : old);
      expect(made).toMatchObject({ code: 0, stderr: '' });
      expect(made.stdout.split('\n').sort()).toEqual(['', 'a', 'b']);
    }));

  it('cannot lose its reference by using descriptors that it does not know', () =>
    behind(async ({ directory, scratch }) => {
      const path = join(directory, 'a.sock');
      const gate = gateIn(scratch);
      const script = `${findHold}; echo '{"type":"bye"}' >&$hold; echo "# text" >&$hold; cat <&$hold; echo up; read line <"$0"`;
      const running = new Cli(wordsFor(directory, scratch).slice(3).concat('bash', '-c', script, gate), {
        program: bundled,
      });
      await running.says('stdout', /^up\n/);
      running.child.kill('SIGKILL');
      await new Promise((resolve) => running.child.once('exit', resolve));
      expect(await inspect(path)).toMatchObject({ state: 'active', references: 1, members: [{ pid: running.pid }] });
      // Not through stdin, which Node closes when `run` is gone. Resolves once the other end has opened it, too.
      await writeFile(gate, 'go on\n');
      await until('everything has ended', () => readdirSync(directory).length === 0);
    }));

  it('keeps the reference of an outer `run` whose command it is', () =>
    behind(async ({ directory, scratch }) => {
      const gate = gateIn(scratch);
      const paths = ['a', 'b'].map((name) => join(directory, `${name}.sock`));
      const [a = [], b = []] = paths.map((path) => [process.execPath, bundled, 'run', path, '--serve', serve, '--']);
      const running = new Cli([...a.slice(2), ...b, 'sh', '-c', 'echo $PPID; read line < "$0"', gate], {
        program: bundled,
      });
      const [, inner] = await running.says('stdout', /^(\d+)\n/);
      running.child.kill('SIGKILL');
      process.kill(Number(inner), 'SIGKILL');
      await new Promise((resolve) => running.child.once('exit', resolve));
      for (const path of paths) expect(await inspect(path)).toMatchObject({ state: 'active', references: 1 });
      // Not through stdin, which Node closes when `run` is gone. Resolves once the other end has opened it, too.
      await writeFile(gate, 'go on\n');
      await until('everything has ended', () => readdirSync(directory).length === 0);
    }));
});

describe('sockref run tells on stderr that its command has no reference of its own:', () => {
  const told =
    /^sockref: the command has no reference of its own to \S*a\.sock: (.*); if this process is killed, the reference ends\n/;

  it('the command has closed the descriptor', () =>
    behind(async ({ directory, scratch }) => {
      const args = [
        ...wordsFor(directory, scratch).slice(3),
        'bash',
        '-c',
        `${findHold}; exec {hold}>&-; read line; exit 3`,
      ];
      const running = new Cli(args, { program: bundled });
      const [, why] = await running.says('stderr', told);
      expect(why).toBe('the command has closed the descriptor for it');
      expect(await inspect(join(directory, 'a.sock'))).toMatchObject({ state: 'active', references: 1 });
      running.child.stdin?.end('\n');
      expect((await running.ended).code).toBe(3);
    }));

  it('its owner was lost', () =>
    behind(async ({ directory, scratch }) => {
      const path = join(directory, 'a.sock');
      const args = [...wordsFor(directory, scratch).slice(3), 'sh', '-c', 'echo up; read line'];
      const running = new Cli(args, { program: bundled });
      await running.says('stdout', /up/);
      await kill(keeperOf(path));
      const [, why] = await running.says('stderr', told);
      expect(why).toBe('its owner was lost');
      running.child.stdin?.end('\n');
      expect((await running.ended).code).toBe(0);
    }));

  it('its owner has an older version', () =>
    behind(async ({ directory }) => {
      const path = join(directory, 'a.sock');
      const numbers = { total: 2, members: 1, dependents: 1, yours: 1 };
      const server = await fakeOwner(path, ({ type }) =>
        type === 'hello'
          ? { type: 'welcome', v: 1, pid: process.pid, state: 'ready', ...numbers, maxReferences: 9 }
          : { type: 'bye', last: false },
      );
      const { code, stderr } = await cli(['run', path, '--', 'true']);
      expect(code).toBe(0);
      expect(told.exec(stderr)?.[1]).toBe('its owner is of an older version of sockref');
      await new Promise((resolve) => server.close(resolve));
    }));

  it('and says nothing about a command that ends', () =>
    behind(async (where) => {
      expect(await under(where, '"$@" true')).toMatchObject({ code: 0, stderr: '' });
      expect(readFileSync(join(where.scratch, 'of the caller'), 'utf8')).toBe('data\n');
    }));
});
