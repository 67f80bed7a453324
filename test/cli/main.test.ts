import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commands } from '#src/cli/commands.js';
import { bundled, cli, modules } from '../helpers/cli.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

describe('sockref', () => {
  it('prints its version', async () => {
    for (const option of ['--version', '-V']) {
      expect(await cli([option])).toEqual({ code: 0, signal: null, stdout: `${version}\n`, stderr: '' });
    }
  });

  it('prints help with every command, and an example', async () => {
    const { code, stdout, stderr } = await cli(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const command of Object.keys(commands)) expect(stdout).toContain(`\n  ${command} `);
    expect(stdout).toContain('$ sockref run db.sock');
  });

  it.each(Object.keys(commands))('prints help for %s, with examples', async (command) => {
    const { code, stdout } = await cli([command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: sockref ${command} `);
    expect(stdout).toContain(`$ sockref ${command}`);
    expect((await cli(['help', command])).stdout).toBe(stdout);
  });

  it('refuses an unknown command or option with 2, and with 125 for `run`', async () => {
    expect(await cli(['nothing'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: "sockref: unknown command 'nothing'; see sockref --help\n",
    });
    expect(await cli(['ls', '--nothing'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: "sockref: unknown option '--nothing'; see sockref ls --help\n",
    });
    expect(await cli(['run', '--nothing', 'a.sock', '--', 'true'])).toMatchObject({ code: 125, stdout: '' });
    expect(await cli([])).toMatchObject({ code: 2, stdout: '' });
  });

  it('says in one line what was probably meant, and which argument is too many', async () => {
    const cases: [args: string[], code: number, stderr: string][] = [
      [['lss'], 2, "sockref: unknown command 'lss' (did you mean ls?); see sockref --help\n"],
      [['ls', '--jsn'], 2, "sockref: unknown option '--jsn' (did you mean --json?); see sockref ls --help\n"],
      [
        ['run', '--lable', 'x', 'a', '--', 'b'],
        125,
        "sockref: unknown option '--lable' (did you mean --label?); see sockref run --help\n",
      ],
      [['ls', 'a', 'b\u009b'], 2, 'sockref: ls takes one argument, and got "a" "b\\u009b"; see sockref ls --help\n'],
    ];
    const ends = await Promise.all(cases.map(([args]) => cli(args, { program: bundled })));
    for (const [at, [args, code, stderr]] of cases.entries()) {
      expect(ends[at], args.join(' ')).toEqual({ code, signal: null, stdout: '', stderr });
    }
  });

  it('is the same module by module', async () => {
    for (const args of [['--help'], ['stop', '--help'], ['ls', '--nothing'], ['--version']]) {
      expect(await cli(args, { program: modules })).toEqual(await cli(args, { program: bundled }));
    }
  });
});
