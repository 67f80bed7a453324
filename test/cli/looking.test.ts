import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundled, cli, onTerminal, withHome } from '../helpers/cli.js';
import { start } from '../helpers/program.js';
import { refusing } from '../helpers/refusing.js';

describe('sockref ls', () => {
  it('prints nothing where there is no socket', () =>
    withHome(async (directory, env) => {
      expect(await cli(['ls'], { env })).toMatchObject({ code: 0, stdout: '', stderr: '' });
      expect(await cli(['ls', directory], { env })).toMatchObject({ code: 0, stdout: '', stderr: '' });
      expect((await cli(['ls', '--json'], { env })).stdout).toBe('[]\n');
    }));

  it('lists every socket with its owner, in columns without colour', () =>
    withHome(async (directory, env) => {
      const owner = await start('holder.mjs', { env });
      await owner.ask({ do: 'acquire', path: 'a.sock', serve: true });
      await owner.ask({ do: 'acquire', path: 'b.sock', serve: true });
      await owner.ask({ do: 'acquire', path: 'b.sock' });
      const { code, stdout } = await cli(['ls'], { env });
      expect(code).toBe(0);
      const lines = stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
      expect(lines[0]).toEqual(['PATH', 'STATE', 'OWNER', 'REFERENCES', 'MEMBERS', 'AGE', 'SERVER']);
      expect(lines[1]).toEqual([join(directory, 'a.sock'), 'active', String(owner.pid), '1', '0', expect.any(String)]);
      expect(lines[2]).toEqual([join(directory, 'b.sock'), 'active', String(owner.pid), '2', '0', expect.any(String)]);
      expect(stdout).not.toContain('\u001b');
      expect((await onTerminal(['ls'], { ...env, FORCE_COLOR: '1' }).ended).stdout).toContain(
        '\u001b[32mactive\u001b[39m',
      );
      expect((await onTerminal(['ls'], { ...env, NO_COLOR: '1' }).ended).stdout).not.toContain('\u001b');
      expect((await cli(['ls'], { env: { ...env, FORCE_COLOR: '1' } })).stdout).not.toContain('\u001b');
      owner.end();
      await owner.exited;
    }));

  it('prints JSON with every key, whether known or not', () =>
    withHome(async (directory, env) => {
      const owner = await start('holder.mjs', { env });
      await owner.ask({ do: 'acquire', path: 'a.sock', serve: true, label: 'the owner' });
      const [socket] = JSON.parse((await cli(['ls', '--json'], { env })).stdout);
      expect(socket).toMatchObject({
        path: join(directory, 'a.sock'),
        state: 'active',
        owner: { pid: owner.pid, thread: null, label: 'the owner', references: 1, canServe: true },
        server: null,
        references: 1,
        members: [],
        moreMembers: 0,
      });
      const one = await cli(['inspect', 'a.sock', '--json'], { env });
      expect(JSON.parse(one.stdout)).toEqual(socket);
      owner.kill();
      await owner.exited;
      const [stale] = JSON.parse((await cli(['ls', '--json'], { env })).stdout);
      expect(stale).toMatchObject({ state: 'stale', owner: { pid: owner.pid }, references: null });
      const next = await start('holder.mjs', { env });
      await next.ask({ do: 'acquire', path: 'a.sock', serve: true });
      next.end();
      await next.exited;
    }));

  it('says what is wrong with a directory', () =>
    withHome(async (directory, env) => {
      const { code, stdout, stderr } = await cli(['ls', join(directory, 'none')], { env });
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^sockref: The directory ".*none" does not exist; create it first .*\n$/);
    }));
});

describe('sockref inspect', () => {
  it('shows the holders', () =>
    withHome(async (directory, env) => {
      const owner = await start('holder.mjs', { env });
      await owner.ask({ do: 'acquire', path: 'a.sock', serve: true });
      const member = await start('holder.mjs', { env });
      await member.ask({ do: 'acquire', path: 'a.sock', label: 'tests\u001b[2J\u202e' });
      const { code, stdout } = await cli(['inspect', 'a.sock'], { env });
      expect(code).toBe(0);
      expect(stdout).toContain(`path:       ${join(directory, 'a.sock')}\nstate:      active\nreferences: 2\n`);
      expect(stdout).toMatch(new RegExp(`^ *${owner.pid}  owner +1 +\\d+s  yes$`, 'm'));
      // The label of a holder must not control the terminal.
      expect(stdout).toMatch(new RegExp(`^ *${member.pid}  member +1 +\\d+s  no +tests\\\\u001b\\[2J\\\\u202e$`, 'm'));
      for (const holder of [member, owner]) {
        holder.end();
        await holder.exited;
      }
    }));

  it('fails where no process serves', () =>
    withHome(async (directory, env) => {
      for (const args of [
        ['inspect', 'a.sock'],
        ['inspect', 'a.sock', '--json'],
      ]) {
        expect(await cli(args, { env })).toMatchObject({
          code: 1,
          stdout: '',
          stderr: `sockref: No process serves ${directory}/a.sock; sockref ls shows what is there\n`,
        });
      }
    }));
});

it('a look that the system refuses says nothing about the owner, and fails', () =>
  withHome(async (directory, env) => {
    const owner = await start('holder.mjs', { env });
    await owner.ask({ do: 'acquire', path: 'a.sock', serve: true });
    const [strace = '', ...rest] = refusing('connect', 'ENOMEM');
    const command = [strace, ...rest, process.execPath, bundled] as const;
    for (const args of [['inspect', 'a.sock'], ['ls']]) {
      const { code, stdout, stderr } = await cli(args, { env, command });
      expect({ code, stdout }, args.join(' ')).toEqual({ code: 1, stdout: '' });
      expect(stderr).toContain(`sockref: Cannot ask the owner of ${directory}/a.sock: connect failed with ENOMEM`);
    }
    owner.end();
    await owner.exited;
  }));
