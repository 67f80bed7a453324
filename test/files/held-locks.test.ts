import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { start } from '../helpers/program.js';

// Each of them calls process.exit at another moment; in a worker that ends only the worker.

const moments = [
  'locked',
  'recorded',
  'private-directory',
  'bound',
  'first-published',
  'published',
  'active',
  'retaking',
  'retaken',
  'stopping',
  'half-stopped',
  'stopped',
];

describe.each(['process', 'worker'])('exit in a %s', (where) => {
  it.each(moments)('leaves nothing: %s', (moment) =>
    withDirectory(async (directory) => {
      const program = await start('exit-at.mjs', { args: [where, moment, directory] });
      const { code, stderr } = await program.exited;
      expect({ code, stderr }).toEqual({ code: 7, stderr: '' });
      expect(await program.line().catch(() => undefined)).toEqual({ reached: moment });
    }),
  );

  it('leaves the files that another owner has put in the place of its own', () =>
    withDirectory(async (directory) => {
      const program = await start('exit-at.mjs', { args: [where, 'deposed', directory] });
      expect(await program.exited).toMatchObject({ code: 7, stderr: '' });
      // By now the lock and a socket belong to another owner; the control socket is still its own.
      expect(readdirSync(directory).sort()).toEqual(['app.sock', 'app.sock.lock']);
      for (const name of readdirSync(directory)) rmSync(`${directory}/${name}`);
    }));

  it('warns of what it cannot remove, and continues with the others', () =>
    withDirectory(async (scratch) => {
      // A path must not control the terminal.
      const directory = `${scratch}/\u009b`;
      mkdirSync(directory, { mode: 0o700 });
      mkdirSync(`${directory}/first`, { mode: 0o700 });
      mkdirSync(`${directory}/second`, { mode: 0o700 });
      const program = await start('exit-at.mjs', { args: [where, 'unknown-version', directory] });
      const { code, stderr } = await program.exited;
      expect(code).toBe(7);
      expect(stderr).toMatch(/^\(node:\d+\) SockrefWarning: sockref could not remove the files of [^\n]*\n$/);
      expect(stderr).toContain(`${scratch}/\\u009b/first/app.sock at exit`);
      expect(readdirSync(`${directory}/first`).sort()).toEqual(['app.sock', 'app.sock.ctl', 'app.sock.lock']);
      expect(readdirSync(`${directory}/second`)).toEqual([]);
      rmSync(directory, { recursive: true });
    }));
});

it('does not touch a file of another thread that has the number of a lock which could not be removed', () =>
  withDirectory(async (directory) => {
    const program = await start('reused-descriptor.mjs', { args: [directory] });
    const { code, stderr } = await program.exited;
    expect(code).toBe(0);
    // The failed start reports what it left; the exit has nothing to report.
    expect(stderr).toContain('Cannot remove what a failed start of');
    expect(stderr).not.toContain('at exit');
    expect(await program.line()).toMatchObject({ code: 7, answer: 'served' });
  }));

it('leaves nothing and warns of nothing in the middle of a clean-up that no caller awaits', () =>
  withDirectory(async (directory) => {
    const program = await start('exit-in-clean-up.mjs', { args: [directory, '12'] });
    const { code, stderr } = await program.exited;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await program.line()).toEqual({ codes: new Array(13).fill(7), left: [] });
  }));

it('neither reads nor closes the number of a lock that other code has closed', () =>
  withDirectory(async (directory) => {
    const program = await start('exit-at.mjs', { args: ['process', 'closed-by-another', directory] });
    const { code, stderr } = await program.exited;
    expect(code).toBe(7);
    expect(stderr).toMatch(/^\(node:\d+\) SockrefWarning: sockref could not remove [^\n]*closed a descriptor[^\n]*\n$/);
    expect(readdirSync(directory).sort()).toEqual(['app.sock', 'app.sock.ctl', 'app.sock.lock', 'decoy']);
    for (const name of readdirSync(directory)) rmSync(`${directory}/${name}`);
  }));
