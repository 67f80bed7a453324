import { join } from 'node:path';
import { SocketManager } from 'sockref';
import { describe, expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { type Program, start } from '../helpers/program.js';
import { greet } from '../helpers/serve.js';
import { until } from '../helpers/until.js';

/** A process that ends only when the test tells it to. */
async function stays(program: Program): Promise<void> {
  expect(await program.ask({ do: 'still' })).toMatchObject({ holds: expect.any(Number) });
  await program.ask({ do: 'end' });
}

async function ends(program: Program): Promise<void> {
  expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
}

function run(path: string, role: 'owner' | 'member', calls: readonly string[]): Promise<Program> {
  return start('kept-mix.mjs', { args: [path, role, ...calls], execArgv: ['--expose-gc'] });
}

/** A socket that this process serves, so that others are members. */
function withSocket(test: (path: string, manager: SocketManager) => Promise<void>): Promise<void> {
  return withDirectory(async (directory) => {
    await using manager = new SocketManager();
    const path = join(directory, 'a.sock');
    const reference = await manager.acquire(path, { serve: greet });
    await test(path, manager);
    await reference.close();
  });
}

describe('the process of an owner', () => {
  it.each([
    ['one reference of three stays', ['unref', 'none', 'unref'], stays],
    ['none of three stays', ['unref', 'unref', 'unref'], ends],
  ])('goes by all its references: %s', (_, calls, then) =>
    withDirectory(async (directory) => {
      const program = await run(join(directory, 'a.sock'), 'owner', calls);
      await program.line();
      await then(program);
      await ends(program);
    }),
  );

  it.each([
    ['the one that kept it is collected', ['unref', 'ref-dropped', 'none-dropped'], ends],
    ['one that did not keep it is collected', ['none', 'unref-dropped'], stays],
  ])('follows the collector: %s', (_, calls, then) =>
    withDirectory(async (directory) => {
      const program = await run(join(directory, 'a.sock'), 'owner', calls);
      await program.line();
      await program.ask({ do: 'collect' });
      await then(program);
      await ends(program);
    }),
  );

  it('stays for references of other processes when its own are collected, and ends with them', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'a.sock');
      const program = await run(path, 'owner', ['ref-dropped']);
      await program.line();
      await using manager = new SocketManager();
      const reference = await manager.acquire(path);
      await program.ask({ do: 'collect' });
      expect(await program.ask({ do: 'still' })).toMatchObject({ holds: 0 });
      expect(reference.isActive).toBe(true);
      await reference.close();
      await ends(program);
    }));
});

describe('the process of a member', () => {
  it.each([
    ['no reference says yes', ['none', 'none', 'unref'], ends],
    ['one reference says yes', ['none', 'ref', 'unref'], stays],
  ])('ends unless a reference keeps it alive: %s', (_, calls, then) =>
    withSocket(async (path, manager) => {
      const program = await run(path, 'member', calls);
      await program.line();
      await then(program);
      await ends(program);
      await until('its references are released', () => manager.referenceCount(path) === 1);
    }),
  );

  it.each([
    ['the one that kept it is collected', ['none', 'ref-dropped'], ends],
    ['another one is collected', ['ref', 'none-dropped', 'unref-dropped'], stays],
  ])('follows the collector: %s', (_, calls, then) =>
    withSocket(async (path, manager) => {
      const program = await run(path, 'member', calls);
      await program.line();
      await program.ask({ do: 'collect' });
      await then(program);
      await ends(program);
      await until('its references are released', () => manager.referenceCount(path) === 1);
    }),
  );

  it('stays as long as it waits for a new owner; then its own setting counts again', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'a.sock');
      await using first = new SocketManager();
      await using second = new SocketManager();
      await first.acquire(path, { serve: greet });
      // Keeps the process until the owner is gone.
      const program = await run(path, 'member', ['unref', 'ref-dropped']);
      await program.line();
      await first.cleanupAllSockets();
      await program.ask({ do: 'collect' });
      expect(await program.ask({ do: 'still' })).toMatchObject({ holds: 1 });
      const reference = await second.acquire(path, { serve: greet });
      await ends(program);
      await until('its reference is released', () => reference.referenceCount === 1);
      await reference.close();
    }));
});
