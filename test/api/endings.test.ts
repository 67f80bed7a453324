import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SocketManager } from 'sockref';
import { describe, expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { start } from '../helpers/program.js';
import { greet, greeting, readAll } from '../helpers/serve.js';

/** Acquires a socket that a dead owner left, checks that it works, and closes it. */
async function repair(path: string): Promise<{ pid: number | undefined; files: readonly string[] }> {
  await using manager = new SocketManager();
  const reclaimed = once(manager, 'reclaimed');
  const reference = await manager.acquire(path, { serve: greet });
  expect(await readAll(await reference.connect())).toBe(greeting);
  await reference.close();
  return (await reclaimed)[0];
}

describe('a process that ends', () => {
  it.each([
    ['natural', 0, ''],
    ['exit', 3, ''],
    ['exit-handler', 4, ''],
    ['exception', 1, 'uncaught on purpose'],
    ['rejection', 1, 'unhandled on purpose'],
    ['exit-at-start', 3, ''],
    ['exit-at-stop', 3, ''],
  ])('leaves no file: %s', (how, code, message) =>
    withDirectory(async (directory) => {
      const program = await start('ending.mjs', { args: [join(directory, 'a.sock'), how] });
      const exit = await program.exited;
      expect(exit).toMatchObject({ code, signal: null });
      expect(exit.stderr).toContain(message);
      if (message === '') expect(exit.stderr).toBe('');
      expect(readdirSync(directory)).toEqual([]);
    }),
  );

  it.each([
    ['natural', 0],
    ['exit', 3],
    ['exception', 1],
    ['rejection', 1],
    ['exit-at-stop', 3],
  ])('leaves no file from a worker: %s', (how, code) =>
    withDirectory(async (directory) => {
      const program = await start('ending.mjs', { args: [join(directory, 'a.sock'), how, 'worker'] });
      // Node delivers a worker's error and its messages in no certain order.
      const lines = [await program.line()];
      while (lines.at(-1)?.exited === undefined) lines.push(await program.line());
      expect(lines.filter(({ pid }) => pid === program.pid)).toHaveLength(1);
      expect(lines.at(-1)).toEqual({ exited: code });
      expect(readdirSync(directory)).toEqual([]);
      expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
    }),
  );

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)(
    'by %s is ended by it, and repaired by the next acquire',
    (signal) =>
      withDirectory(async (directory) => {
        const path = join(directory, 'a.sock');
        const program = await start('ending.mjs', { args: [path, 'wait'] });
        await program.line();
        program.kill(signal);
        expect(await program.exited).toMatchObject({ code: null, signal });
        expect(existsSync(path)).toBe(true);
        const { pid, files } = await repair(path);
        expect(pid).toBe(program.pid);
        expect([...files].sort()).toEqual(['a.sock', 'a.sock.ctl']);
        await repair(`${path}-3`);
      }),
  );

  it('by the termination of its worker is repaired by the next acquire', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'a.sock');
      const program = await start('ending.mjs', { args: [path, 'wait', 'worker'] });
      await program.line();
      await program.ask({}).catch(() => {});
      expect(await program.exited).toMatchObject({ code: 0 });
      expect(existsSync(path)).toBe(true);
      await repair(path);
      await repair(`${path}-3`);
    }));
});

it('installs no handlers for signals and uncaught exceptions', () =>
  withDirectory(async (directory) => {
    const program = await start('ending.mjs', { args: [join(directory, 'a.sock'), 'exit'] });
    const { before, listeners } = await program.line();
    expect(listeners).toEqual({ ...before, exit: before.exit + 1 });
    await program.exited;
  }));
