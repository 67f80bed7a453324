import { getEventListeners } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { join } from 'node:path';
import { SocketManager } from 'sockref';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { onAbort } from '#src/on-abort.js';
import { withDirectory } from '../helpers/directory.js';
import { start } from '../helpers/program.js';
import { greet } from '../helpers/serve.js';

let warnings: string[];
const note = ({ message }: Error): void => void warnings.push(message);

beforeEach(() => {
  warnings = [];
  process.on('warning', note);
});

afterEach(async () => {
  // Node emits a warning in the next tick.
  await new Promise(setImmediate);
  process.off('warning', note);
  expect(warnings).toEqual([]);
});

/** More than ten: above that Node warns of a leak. */
const many = 30;

/** As many as a test runner loads for the files of one process: enough for a warning, too. */
const copies = 12;

describe('no warning of a leak comes from', () => {
  it.each([many, 500])('%d acquires at once with one signal, of one socket and of one each', (count) =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager();
      const { signal } = new AbortController();
      const sockets = Math.min(count, 100);
      const names = Array.from({ length: count }, (_, number) => `${number % sockets}.sock`);
      for (const paths of [names, names.map(() => 'one.sock')]) {
        const acquires = paths.map((path) => manager.acquire(join(directory, path), { serve: greet, signal }));
        expect(getEventListeners(signal, 'abort')).toHaveLength(1);
        const references = await Promise.all(acquires);
        expect(getEventListeners(signal, 'abort')).toEqual([]);
        await Promise.all(references.map((reference) => reference.close()));
      }
    }),
  );

  it('acquires at once with one signal that aborts: all of them end', () =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager();
      const abort = new AbortController();
      const acquires = Array.from({ length: many }, (_, number) =>
        manager.acquire(join(directory, `${number % 3}.sock`), { serve: greet, signal: abort.signal }),
      );
      abort.abort();
      for (const end of await Promise.allSettled(acquires)) {
        expect(end).toMatchObject({ status: 'rejected', reason: { name: 'AbortError' } });
      }
      expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
      await manager.close();
    }));

  it('connects at once of one reference, to a socket that is being replaced', () =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager();
      const reference = await manager.acquire(join(directory, 'a.sock'), { serve: greet });
      const { signal } = new AbortController();
      const sockets = await Promise.all(Array.from({ length: many }, () => reference.connect({ signal })));
      for (const socket of sockets) socket.destroy();
      await reference.close();
    }));

  it.each([
    ['HTTP', () => createHttpServer()],
    ['HTTP/2', () => createHttp2Server()],
  ])('one server of %s behind many sockets', (_, create) =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager();
      const server = create();
      const before = server.eventNames().map((name) => [name, server.listenerCount(name)]);
      const references = await Promise.all(
        Array.from({ length: many }, (_, number) =>
          manager.acquire(join(directory, `${number}.sock`), { serve: server }),
        ),
      );
      await Promise.all(references.map((reference) => reference.close()));
      expect(server.eventNames().map((name) => [name, server.listenerCount(name)])).toEqual(before);
    }),
  );

  it('one server that is passed again and again, and never serves', () =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager();
      await using other = new SocketManager();
      const server = createHttpServer();
      const path = join(directory, 'a.sock');
      const holder = await other.acquire(path, { serve: greet });
      for (let time = 0; time < many; time++) {
        const member = await manager.acquire(path, { serve: server });
        await member.close();
      }
      await holder.close();
      expect(server.listenerCount('request')).toBe(0);
    }));

  it('many copies of the package in one process', async () => {
    await withDirectory(async (directory) => {
      const program = await start('many-copies.mjs', {
        args: [directory, String(copies)],
        execArgv: ['--preserve-symlinks'],
      });
      expect(await program.line()).toEqual({ copies, warnings: [], listeners: 1 });
      program.end();
      expect(await program.exited).toMatchObject({ code: 0 });
    });
  });
});

describe('calls behind one listener of a signal', () => {
  it('are made in their order, except those that were undone', () => {
    const abort = new AbortController();
    const called: number[] = [];
    const undo = [0, 1, 2, 3].map((number) => onAbort(abort.signal, () => called.push(number)));
    undo[1]?.();
    undo[1]?.();
    abort.abort();
    expect(called).toEqual([0, 2, 3]);
    for (const each of undo) each();
    abort.abort();
    expect(called).toEqual([0, 2, 3]);
  });

  it('may undo each other while they are made', () => {
    const abort = new AbortController();
    const called: string[] = [];
    onAbort(abort.signal, () => {
      called.push('first');
      undo();
    });
    const undo = onAbort(abort.signal, () => called.push('second'));
    abort.abort();
    expect(called).toEqual(['first']);
  });

  it('leave the signal without a listener when all were undone, and can be added again', () => {
    const abort = new AbortController();
    let called = 0;
    const undo = [1, 2].map(() => onAbort(abort.signal, () => called++));
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1);
    for (const each of undo) each();
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
    onAbort(abort.signal, () => called++);
    abort.abort();
    expect(called).toBe(1);
  });
});
