import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, withHome } from '../helpers/cli.js';
import { type Program, start } from '../helpers/program.js';

describe('sockref doctor', () => {
  it('finds nothing where nothing is wrong', () =>
    withHome(async (directory, env) => {
      const owner = await start('holder.mjs', { env });
      await owner.ask({ do: 'acquire', path: 'a.sock', serve: true });
      writeFileSync(join(directory, 'yarn.lock'), '# not ours\n');
      const nothing = { code: 0, stdout: `${directory}: no problems\n`, stderr: '' };
      expect(await cli(['doctor'], { env })).toMatchObject(nothing);
      expect(await cli(['doctor', directory, '--fix'], { env })).toMatchObject(nothing);
      expect(JSON.parse((await cli(['doctor', '--json'], { env })).stdout)).toEqual({ directory, problems: [] });
      owner.end();
      await owner.exited;
      expect(readdirSync(directory)).toEqual(['yarn.lock']);
      rmSync(join(directory, 'yarn.lock'));
    }));

  it('finds nothing where the default directory does not exist yet', () =>
    withHome(async (directory, env) => {
      const none = join(directory, 'none');
      const doctor = await cli(['doctor'], { env: { ...env, SOCKREF_DIR: none } });
      expect(doctor).toMatchObject({ code: 0, stdout: `${none}: no problems\n` });
    }));

  it('reports what a dead owner left, and reclaims it with --fix', () =>
    withHome(async (directory, env) => {
      const owner = await start('holder.mjs', { env });
      await owner.ask({ do: 'acquire', path: 'a.sock', serve: true });
      owner.kill();
      await owner.exited;
      const found = await cli(['doctor'], { env });
      expect(found.code).toBe(1);
      expect(found.stdout).toBe(
        `leftover: ${directory}/a.sock was left by an owner that died (pid ${owner.pid}); the next acquire reclaims it, ` +
          `or sockref doctor --fix\n${directory}: 1 problem\n`,
      );
      expect(readdirSync(directory)).toHaveLength(3);
      const { problems } = JSON.parse((await cli(['doctor', '--fix', '--json'], { env })).stdout);
      expect(problems).toMatchObject([{ kind: 'leftover', path: `${directory}/a.sock`, pid: owner.pid, fixed: true }]);
      expect(readdirSync(directory)).toEqual([]);
    }));

  it('only reports a private directory that no record names', () =>
    withHome(async (directory, env) => {
      const owner = await start('holder.mjs', { env });
      await owner.ask({ do: 'acquire', path: 'a.sock', serve: true });
      const orphan = join(directory, '.sr-0123456789abcdef');
      mkdirSync(orphan);
      const { code, stdout } = await cli(['doctor', '--fix'], { env });
      expect(code).toBe(1);
      expect(stdout).toMatch(new RegExp(`^orphan: no record names "${orphan}": .*\\n${directory}: 1 problem left\\n$`));
      rmdirSync(orphan);
      owner.end();
      await owner.exited;
    }));

  it('only reports an owner that does not answer', () =>
    withHome(async (_, env) => {
      const owner = await start('holder.mjs', { env });
      await owner.ask({ do: 'acquire', path: 'a.sock', serve: true });
      await owner.stop();
      const { code, stdout } = await cli(['doctor', '--fix', '--json'], { env });
      expect(code).toBe(1);
      expect(JSON.parse(stdout).problems).toMatchObject([{ kind: 'unresponsive', pid: owner.pid, fixed: false }]);
      const stop = await cli(['stop', 'a.sock', '--force'], { env });
      expect(stop.code).toBe(1);
      expect(stop.stderr).toContain(`(pid ${owner.pid}) did not answer within 2000 ms; `);
      owner.kill('SIGCONT');
      owner.end();
      await owner.exited;
    }));

  it('reports a socket with the same name in the default directory of another environment', () =>
    withHome(async (runtime) => {
      const name = `${randomUUID()}.sock`;
      const without = { SOCKREF_DIR: undefined, XDG_RUNTIME_DIR: undefined };
      const within = { SOCKREF_DIR: undefined, XDG_RUNTIME_DIR: runtime };
      const owners: Program[] = [];
      for (const env of [without, within]) {
        const owner = await start('holder.mjs', { env });
        await owner.ask({ do: 'acquire', path: name, serve: true });
        owners.push(owner);
      }
      const other = join(`/tmp/sockref-${process.getuid?.()}`, name);
      const { code, stdout } = await cli(['doctor'], { env: within });
      expect(code).toBe(1);
      expect(stdout).toContain(
        `elsewhere: ${join(runtime, 'sockref', name)} and ${other} (pid ${owners[0]?.pid}) are two sockets with one name: `,
      );
      // SOCKREF_DIR was set on purpose.
      expect(await cli(['doctor'], { env: { SOCKREF_DIR: join(runtime, 'sockref') } })).toMatchObject({ code: 0 });
      owners[1]?.end();
      await owners[1]?.exited;
      const connect = await cli(['connect', name], { env: within });
      expect(connect.stderr).toMatch(/^sockref: No process serves [^\n]+\n$/);
      expect(connect.stderr).toContain(
        `, but there is ${other}, in the default directory of another environment (SOCKREF_DIR, XDG_RUNTIME_DIR)`,
      );
      owners[0]?.end();
      await owners[0]?.exited;
      rmdirSync(join(runtime, 'sockref'));
    }));

  it('closes the default directory to others, and then examines it', () =>
    withHome(async (directory, env) => {
      const owner = await start('holder.mjs', { env });
      await owner.ask({ do: 'acquire', path: 'a.sock', serve: true });
      owner.kill();
      await owner.exited;
      chmodSync(directory, 0o755);
      const found = await cli(['doctor'], { env });
      expect(found.code).toBe(1);
      expect(found.stdout).toMatch(/^unsafe-directory: Unsafe directory .*\n.*: 1 problem\n$/);
      const fixed = await cli(['doctor', '--fix'], { env });
      expect(fixed.code).toBe(0);
      expect(fixed.stdout).toMatch(
        /^fixed: Unsafe directory .*\nfixed: .*a\.sock was left by .*\n.*: 0 problems left\n$/,
      );
      expect(statSync(directory).mode & 0o777).toBe(0o700);
    }));

  it('leaves the mode of any other directory alone', () =>
    withHome(async (directory, env) => {
      const open = join(directory, 'open');
      mkdirSync(open);
      chmodSync(open, 0o777);
      expect(await cli(['doctor', open, '--fix'], { env })).toMatchObject({ code: 1 });
      expect(statSync(open).mode & 0o777).toBe(0o777);
      rmdirSync(open);
      const none = await cli(['doctor', open], { env });
      expect(none).toMatchObject({ code: 1, stdout: '' });
      expect(none.stderr).toMatch(/^sockref: The directory ".*" does not exist/);
    }));
});
