import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SocketManager, type SocketReference } from 'sockref';
import { SetConnectionHandler, StartSocketConnection } from 'sockref/glide';
import { describe, expect, it } from 'vitest';
import { behind, keeperOf, serverOf } from '../helpers/behind.js';
import { withDirectory } from '../helpers/directory.js';
import { start } from '../helpers/program.js';
import { greet } from '../helpers/serve.js';
import { lives } from '../helpers/server-process.js';
import { works } from '../helpers/socket.js';
import { until } from '../helpers/until.js';

/** How many lock files one acquire tries. */
const maxTried = 8;

/** Runs a test with its own default directory, and a manager whose events are recorded. */
function withDefault(
  test: (directory: string, manager: SocketManager, told: { reclaimed: unknown[]; faults: unknown[] }) => Promise<void>,
): Promise<void> {
  return withDirectory(async (directory) => {
    process.env['SOCKREF_DIR'] = directory;
    const told = { reclaimed: [] as unknown[], faults: [] as unknown[] };
    await using manager = new SocketManager();
    manager.on('reclaimed', (event) => told.reclaimed.push(event)).on('fault', ({ error }) => told.faults.push(error));
    try {
      await test(directory, manager, told);
    } finally {
      delete process.env['SOCKREF_DIR'];
    }
  });
}

/** Leaves the files that a killed process leaves of a nameless socket. */
async function killedOwner(directory: string, path?: string): Promise<number> {
  const program = await start('holder.mjs', { env: { SOCKREF_DIR: directory } });
  await program.ask({ do: 'acquire', path, serve: true });
  program.kill();
  await program.exited;
  return program.pid;
}

const locks = (directory: string): string[] => readdirSync(directory).filter((name) => name.endsWith('.lock'));

/** Leaves lock files of owners that died before they made anything. */
function staleLocks(directory: string, count: number): void {
  const record = `${JSON.stringify({ sockref: 1, pid: 4_000_000, since: 0 })}\n`;
  for (let made = 0; made < count; made++) {
    writeFileSync(join(directory, `${String(made).padStart(32, '0')}.sock.lock`), record, { mode: 0o600 });
  }
}

describe('an acquire that makes a nameless socket', () => {
  it('removes the files that a dead process left of another one, and reports that', () =>
    withDefault(async (directory, manager, told) => {
      const pid = await killedOwner(directory);
      expect(readdirSync(directory)).toHaveLength(3);
      const reference = await manager.acquire(undefined, { serve: greet });
      await until('it is told', () => told.reclaimed.length > 0);
      expect(told.reclaimed).toMatchObject([
        { pid, files: expect.arrayContaining([expect.stringMatching(/\.sock$/)]) },
      ]);
      await works(reference);
      await reference.close();
      expect(readdirSync(directory)).toEqual([]);
      expect(told.faults).toEqual([]);
    }));

  it('does so under the names of glide, too', () =>
    withDefault(async (directory) => {
      await killedOwner(directory);
      SetConnectionHandler(greet);
      await StartSocketConnection();
      await until('only its own is left', () => locks(directory).length === 1);
      await SocketManager.default.close();
    }));

  it('leaves live sockets alone, in this process and in others', () =>
    withDefault(async (directory, manager) => {
      const program = await start('holder.mjs', { env: { SOCKREF_DIR: directory } });
      const { path } = await program.ask({ do: 'acquire', serve: true });
      await killedOwner(directory);
      const references: SocketReference[] = [];
      for (let made = 0; made < 3; made++) references.push(await manager.acquire(undefined, { serve: greet }));
      await until('what is dead has gone', () => locks(directory).length === 4);
      for (const reference of references) await works(reference);
      expect(await manager.inspect(path)).toMatchObject({ state: 'active', references: 1 });
      for (const reference of references) await reference.close();
      program.end();
      await program.exited;
    }));

  it('tries a few at a time', () =>
    withDefault(async (directory, manager) => {
      const count = 2 * maxTried + 1;
      staleLocks(directory, count);
      for (let left = count; left > 0; ) {
        const reference = await manager.acquire(undefined, { serve: greet });
        await reference.close();
        left = Math.max(0, left - maxTried);
        await until('some are gone', () => locks(directory).length <= left);
        expect(locks(directory)).toHaveLength(left);
      }
    }));

  it('leaves files alone that it does not understand, or that belong to a named socket', () =>
    withDefault(async (directory, manager, told) => {
      const names = ['a.sock.lock', `${'0'.repeat(31)}.sock.lock`, `${'F'.repeat(32)}.sock.lock`];
      const stale = `${JSON.stringify({ sockref: 1, pid: 4_000_000, since: 0 })}\n`;
      const kept: Record<string, string> = Object.fromEntries(names.map((name) => [name, stale]));
      kept[`${'1'.repeat(32)}.sock.lock`] = `${JSON.stringify({ sockref: 2, pid: 4_000_000, since: 0 })}\n`;
      kept[`${'2'.repeat(32)}.sock.lock`] = 'another program’s\n';
      kept[`${'3'.repeat(32)}.sock`] = '';
      for (const [name, text] of Object.entries(kept)) writeFileSync(join(directory, name), text, { mode: 0o600 });
      staleLocks(directory, 1);
      await (await manager.acquire(undefined, { serve: greet })).close();
      await until('that one is gone', () => readdirSync(directory).length === Object.keys(kept).length);
      expect(readdirSync(directory).sort()).toEqual(Object.keys(kept).sort());
      expect(told.faults).toEqual([]);
      for (const name of Object.keys(kept)) rmSync(join(directory, name));
    }));

  it('starts even if others remove the same files at the same time', () =>
    withDefault(async (directory, manager, told) => {
      staleLocks(directory, 40);
      const acquires = Array.from({ length: 20 }, () => manager.acquire(undefined, { serve: greet }));
      const references = await Promise.all(acquires);
      await Promise.all(references.map(works));
      await Promise.all(references.map((reference) => reference.close()));
      await until('nothing is left', async () => {
        await (await manager.acquire(undefined, { serve: greet })).close();
        return readdirSync(directory).length === 0;
      });
      expect(told.faults).toEqual([]);
    }));

  it('ends the server of a dead keeper', () =>
    behind(async ({ directory }) => {
      process.env['SOCKREF_DIR'] = directory;
      try {
        const program = await start('holder.mjs');
        const listens = "require('node:net').createServer().listen(process.env.SOCKREF_LISTEN_PATH)";
        const { path } = await program.ask({ do: 'acquire', server: { command: ['node', '-e', listens] } });
        const [keeper, server] = [keeperOf(path), serverOf(path)];
        await program.stop();
        process.kill(keeper, 'SIGKILL');
        program.kill();
        await program.exited;
        await using manager = new SocketManager();
        // The kernel releases a dead process's lock a moment after its last sign of life.
        await until('nothing is left', async () => {
          await (await manager.acquire(undefined, { serve: greet })).close();
          return readdirSync(directory).length === 0;
        });
        expect(lives(server)).toBe(false);
      } finally {
        delete process.env['SOCKREF_DIR'];
      }
    }));
});

it('an acquire by name does not look for them', () =>
  withDefault(async (directory, manager) => {
    staleLocks(directory, 1);
    await (await manager.acquire('a.sock', { serve: greet })).close();
    await new Promise(setImmediate);
    expect(locks(directory)).toHaveLength(1);
    await (await manager.acquire(undefined, { serve: greet })).close();
    await until('nothing is left', () => readdirSync(directory).length === 0);
  }));

it('an acquire that can only join does not look for them', () =>
  withDefault(async (directory, manager) => {
    staleLocks(directory, 1);
    await expect(manager.acquire()).rejects.toMatchObject({ code: 'ERR_SOCKREF_NOT_SERVED' });
    expect(locks(directory)).toHaveLength(1);
    await (await manager.acquire(undefined, { serve: greet })).close();
    await until('nothing is left', () => readdirSync(directory).length === 0);
  }));
