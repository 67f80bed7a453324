import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { HeldSocket } from '#src/keeper/activation.js';
import { withDirectory } from '../helpers/directory.js';
import { connectTo, serveAt } from '../helpers/listening.js';
import { start } from '../helpers/program.js';
import { readAll } from '../helpers/serve.js';

/** Runs a test with a socket that is held at `s` in a directory. */
function withHeld<Value>(test: (held: HeldSocket, path: string) => Value | Promise<Value>): Promise<Value> {
  return withDirectory(async (directory) => {
    const held = new HeldSocket();
    await held.bind(`${directory}/s`);
    try {
      return await test(held, `${directory}/s`);
    } finally {
      await held.close();
    }
  });
}

/** How many connections wait to be accepted: the kernel lists them without an inode. */
const waiting = (path: string) =>
  readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .filter((line) => line.endsWith(` 02     0 ${path}`)).length;

const many = (path: string) => Promise.all(Array.from({ length: 50 }, () => connectTo(path)));
const answers = (sockets: Socket[]) => Promise.all(sockets.map(readAll));

describe('a held socket', () => {
  it.each(['python', 'node'] as const)(
    'accepts no client before a server has it, and then the server serves all: %s',
    (which) =>
      withHeld(async (held, path) => {
        let clients = await many(path);
        expect(waiting(path)).toBe(50);
        for (let life = 0; life < 2; life++) {
          const server = serveAt(held.fd, which);
          expect(await answers(clients)).toEqual(clients.map(() => `${server.pid} hello`));
          const exited = once(server, 'exit');
          server.kill('SIGKILL');
          await exited;
          clients = await many(path);
          expect(waiting(path)).toBe(50);
        }
      }),
  );

  it('refuses the waiting clients when it is closed, and leaves no name and no descriptor', () =>
    withDirectory(async (directory) => {
      const before = readdirSync('/proc/self/fd').length;
      const held = new HeldSocket();
      await held.bind(`${directory}/s`);
      const client = await connectTo(`${directory}/s`);
      const closed = new Promise((resolve) => client.once('close', resolve));
      const [[error]] = await Promise.all([once(client, 'error'), held.close(), closed]);
      expect(error).toMatchObject({ code: 'ECONNRESET' });
      expect(existsSync(`${directory}/s`)).toBe(false);
      expect(readdirSync('/proc/self/fd').length).toBe(before);
      expect(() => held.fd).toThrow('closed');
      await held.close();
    }));

  it('can be closed before it is bound, and while it is', () =>
    withDirectory(async (directory) => {
      const idle = new HeldSocket();
      expect(() => idle.fd).toThrow('idle');
      await idle.close();
      await expect(idle.bind(`${directory}/s`)).rejects.toThrow('closed already');
      const held = new HeldSocket();
      const bound = expect(held.bind(`${directory}/s`)).rejects.toThrow('closed while');
      await Promise.all([held.close(), bound]);
    }));

  it('is bound once', () =>
    withHeld(async (held, path) => {
      await expect(held.bind(`${path}2`)).rejects.toThrow('held already');
    }));

  it('reports the error of the system, and can be closed then', () =>
    withHeld(async (_, path) => {
      for (const [at, code] of [
        [path, 'EADDRINUSE'],
        [`${path}/none`, 'ENOTDIR'],
      ] as const) {
        const held = new HeldSocket();
        await expect(held.bind(at)).rejects.toMatchObject({ code, syscall: 'listen', errno: expect.any(Number) });
        expect(() => held.fd).toThrow();
        await held.close();
        await held.close();
      }
      await connectTo(path);
    }));
});

describe('a process with a held socket', () => {
  it.each([
    ['end', 0],
    ['exit', 3],
  ])('can %s', (fate, code) =>
    withDirectory(async (directory) => {
      const program = await start('held-socket.mjs', { args: [`${directory}/s`, fate] });
      expect(await program.line()).toEqual({ listening: true });
      expect(await program.exited).toEqual({ code, signal: null, stderr: '' });
      rmSync(`${directory}/s`, { force: true });
    }),
  );

  it('learns when the thread that holds it has ended', () =>
    withDirectory(async (directory) => {
      const program = await start('held-socket.mjs', { args: [`${directory}/s`, 'terminate'] });
      expect(await program.line()).toEqual({ listening: true });
      expect(await program.line()).toEqual({ message: 'the thread that holds the socket has ended early' });
      expect(await program.line()).toMatchObject({ error: { message: expect.stringContaining('closed') } });
      expect((await program.exited).code).toBe(0);
      rmSync(`${directory}/s`, { force: true });
    }));
});
