import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Cli, cli, withHome } from '../helpers/cli.js';
import { start } from '../helpers/program.js';
import { until } from '../helpers/until.js';

describe('sockref stop', () => {
  it('ends a socket by force, at once and for all holders', () =>
    withHome(async (directory, env) => {
      const owner = await start('holder.mjs', { env });
      await owner.ask({ do: 'acquire', path: 'a.sock', serve: true });
      const member = await start('holder.mjs', { env });
      await member.ask({ do: 'acquire', path: 'a.sock' });
      expect(await cli(['stop', 'a.sock', '--force'], { env })).toMatchObject({ code: 0, stdout: '', stderr: '' });
      expect(readdirSync(directory)).toEqual([]);
      for (const holder of [owner, member]) {
        expect((await holder.line()).over).toBe(`The socket ${join(directory, 'a.sock')} was stopped by force`);
      }
    }));

  it('waits until it is unused, names the holders, and does not let it linger', () =>
    withHome(async (directory, env) => {
      const owner = await start('holder.mjs', { env });
      await owner.ask({ do: 'acquire', path: 'a.sock', serve: true, lingerMs: 100_000 });
      const stop = new Cli(['stop', 'a.sock'], { env });
      await stop.says(
        'stderr',
        new RegExp(`waiting until ${directory}/a.sock is unused: 1 reference, held by pid ${owner.pid}; `),
      );
      await owner.ask({ do: 'close' });
      expect(await stop.ended).toMatchObject({ code: 0, stdout: '' });
      expect(readdirSync(directory)).toEqual([]);
    }));

  it('ends a lingering socket at once', () =>
    withHome(async (directory, env) => {
      const owner = await start('holder.mjs', { env });
      await owner.ask({ do: 'acquire', path: 'a.sock', serve: true, lingerMs: 100_000 });
      await owner.ask({ do: 'close' });
      expect(await cli(['stop', 'a.sock'], { env })).toMatchObject({ code: 0, stderr: '' });
      expect(readdirSync(directory)).toEqual([]);
    }));

  it('gives up after --timeout', () =>
    withHome(async (directory, env) => {
      const owner = await start('holder.mjs', { env });
      await owner.ask({ do: 'acquire', path: 'a.sock', serve: true });
      const { code, stderr } = await cli(['stop', 'a.sock', '--timeout', '50ms'], { env });
      expect(code).toBe(1);
      expect(stderr).toMatch(
        new RegExp(`sockref: ${directory}/a.sock did not end within 50ms: 1 reference, held by pid ${owner.pid};`),
      );
      owner.end();
      await owner.exited;
    }));

  it('ends a server that does not become ready, and the acquires that wait for it', () =>
    withHome(async (directory, env) => {
      const run = new Cli(['run', 'a.sock', '--serve', 'sleep 1000', '--', 'echo', 'ran'], { env });
      await until('it is being started', async () =>
        (await cli(['ls'], { env })).stdout.includes('sleep 1000 (starting)'),
      );
      expect(await cli(['stop', 'a.sock', '--force'], { env })).toMatchObject({ code: 0, stderr: '' });
      expect(await run.ended).toMatchObject({
        code: 125,
        stdout: '',
        stderr: `sockref: The socket ${directory}/a.sock was stopped by force\n`,
      });
      expect(readdirSync(directory)).toEqual([]);
      rmSync(join(env['XDG_STATE_HOME'] as string, 'sockref'), { recursive: true });
    }));

  it('has nothing to do where no process serves', () =>
    withHome(async (directory, env) => {
      expect(await cli(['stop', 'a.sock'], { env })).toMatchObject({
        code: 0,
        stdout: '',
        stderr: `sockref: no process serves ${directory}/a.sock; there is nothing to stop\n`,
      });
    }));

  it('requires a duration with a unit', async () => {
    expect(await cli(['stop', 'a.sock', '--timeout', '5'])).toMatchObject({
      code: 2,
      stderr: 'sockref: --timeout must be a number with a unit: 500ms, 30s, 2m or 1h, and is "5"\n',
    });
  });
});
