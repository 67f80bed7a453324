import { appendFileSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { logFiles } from '#src/keeper/log-place.js';
import { Cli, cli, withServed } from '../helpers/cli.js';

const shouter = fileURLToPath(new URL('../fixtures/shouter.mjs', import.meta.url));

describe('sockref logs', () => {
  it('prints the output of a server, and the log of its keeper', () =>
    withServed(async ({ env }) => {
      const serve = `"${process.execPath}" "${shouter}" {socket} for the log`;
      await cli(['run', 'a.sock', '--serve', serve, '--', 'true'], { env });
      const output = await cli(['logs', 'a.sock'], { env });
      expect(output).toMatchObject({ code: 0, stderr: '' });
      expect(output.stdout).toContain('shouter for the log in ');
      const keeper = await cli(['logs', '--keeper', 'a.sock'], { env });
      const lines = keeper.stdout.trimEnd().split('\n');
      expect(lines.map((line) => JSON.parse(line).msg)).toContain('the keeper has begun');
    }));

  it('begins with the older part', () =>
    withServed(async ({ directory, env }) => {
      const { output } = logFiles(join(directory, 'a.sock'), env);
      mkdirSync(dirname(output));
      writeFileSync(`${output}.1`, 'older\n');
      writeFileSync(output, 'newer\n');
      expect((await cli(['logs', 'a.sock'], { env })).stdout).toBe('older\nnewer\n');
    }));

  it('follows, from before there is a log, and after the log was cut', () =>
    withServed(async ({ directory, env }) => {
      const { output } = logFiles(join(directory, 'a.sock'), env);
      const following = new Cli(['logs', '-f', 'a.sock'], { env });
      const waiting = `sockref: waiting for a first server of ${directory}/a.sock, which will write to ${output}\n`;
      await following.says('stderr', /\n/);
      mkdirSync(dirname(output));
      writeFileSync(output, 'first\n');
      await following.says('stdout', /first\n/);
      appendFileSync(output, 'second\n');
      await following.says('stdout', /second\n/);
      truncateSync(output);
      appendFileSync(output, '3rd\n');
      await following.says('stdout', /^first\nsecond\n3rd\n$/);
      following.child.kill('SIGINT');
      expect(await following.ended).toMatchObject({ signal: 'SIGINT', stderr: waiting });
    }));

  it('says where it looked', () =>
    withServed(async ({ directory, state, env }) => {
      const { code, stdout, stderr } = await cli(['logs', 'a.sock'], { env });
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(
        new RegExp(`^sockref: There is no log of "${directory}/a.sock" at ${state}/sockref/a.sock-`),
      );
      const elsewhere = await cli(['logs', 'a.sock'], { env: { ...env, SOCKREF_DIR: join(directory, 'none') } });
      expect(elsewhere.stderr).toContain(`There is no log of "${directory}/none/a.sock"`);
    }));
});
