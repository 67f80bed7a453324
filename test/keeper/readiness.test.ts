import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HeldSocket } from '#src/keeper/activation.js';
import { untilAccepted, untilConnectable } from '#src/keeper/readiness.js';
import { withDirectory } from '../helpers/directory.js';
import { connectTo, type ListeningServer, serveAt } from '../helpers/listening.js';
import { until } from '../helpers/until.js';

const never = new AbortController().signal;

/** The state of a promise so far. */
function stateOf(promise: Promise<unknown>): { now: string } {
  const state = { now: 'waiting' };
  promise.then(
    () => {
      state.now = 'done';
    },
    () => {
      state.now = 'failed';
    },
  );
  return state;
}

async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => {}).end()).listen(path);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return server;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await closed;
}

describe('a server at a path', () => {
  it('is ready when it listens', () =>
    withDirectory(async (directory) => {
      const server = await listen(`${directory}/s`);
      await untilConnectable(`${directory}/s`, never);
      await close(server);
    }));

  it('is not ready yet: no file, a regular file, a socket without a listener', () =>
    withDirectory(async (directory) => {
      const path = `${directory}/s`;
      const ready = untilConnectable(path, never);
      const state = stateOf(ready);
      writeFileSync(path, '');
      await new Promise((resolve) => setImmediate(resolve));
      rmSync(path);
      expect(state.now).toBe('waiting');
      const server = await listen(path);
      await ready;
      await close(server);
    }));

  it('is waited for until the signal aborts', () =>
    withDirectory(async (directory) => {
      const reason = new Error('enough');
      const controller = new AbortController();
      const ready = untilConnectable(`${directory}/s`, controller.signal);
      const late = untilAccepted(`${directory}/s`, `${directory}/s`, controller.signal);
      controller.abort(reason);
      await expect(ready).rejects.toBe(reason);
      await expect(late).rejects.toBe(reason);
      await expect(untilConnectable(`${directory}/s`, controller.signal)).rejects.toBe(reason);
    }));

  it('is not waited for where there cannot be one', () =>
    withDirectory(async (directory) => {
      writeFileSync(`${directory}/file`, '');
      for (const wait of [
        untilConnectable(`${directory}/file/s`, never),
        untilAccepted(`${directory}/file/s`, 's', never),
      ]) {
        await expect(wait).rejects.toMatchObject({ code: 'ERR_SOCKREF_SYSTEM', errno: 'ENOTDIR', syscall: 'connect' });
      }
      rmSync(`${directory}/file`);
    }));
});

/** Runs a test with a held socket, and a wait for a server that accepts. */
function withWait(
  test: (parts: {
    held: HeldSocket;
    path: string;
    wait: () => Promise<void>;
    controller: AbortController;
  }) => Promise<void>,
): Promise<void> {
  return withDirectory(async (directory) => {
    const held = new HeldSocket();
    const path = `${directory}/a  b\n`;
    await held.bind(path);
    const controller = new AbortController();
    const wait = () => untilAccepted(path, path, controller.signal);
    try {
      await test({ held, path, wait, controller });
    } finally {
      controller.abort();
      await held.close();
    }
  });
}

describe('a server at a socket that is held for it', () => {
  it.each<ListeningServer>(['python', 'node', 'stuck', 'curt'])('is ready when it accepts: %s', (which) =>
    withWait(async ({ held, wait }) => {
      const ready = wait();
      serveAt(held.fd, which);
      await ready;
    }),
  );

  it.each<ListeningServer>(['python', 'stuck', 'curt'])(
    'is ready when it accepts any of the waiting clients: %s',
    (which) =>
      withWait(async ({ held, path, wait }) => {
        for (let client = 0; client < 20; client++) await connectTo(path);
        const ready = wait();
        serveAt(held.fd, which);
        await ready;
      }),
  );

  it('is ready when it accepts, even if clients connect all the time', () =>
    withWait(async ({ held, path, wait }) => {
      const ready = wait();
      const state = stateOf(ready);
      const crowd = Array.from({ length: 10 }, async () => {
        while (state.now === 'waiting') {
          const socket = (await connectTo(path)).resume();
          await Promise.race([new Promise((resolve) => socket.once('close', resolve)), ready]);
        }
      });
      serveAt(held.fd, 'curt');
      await Promise.all([ready, ...crowd]);
    }));

  it('is not ready as long as it only has the socket, even if clients connect', () =>
    withWait(async ({ held, path, wait, controller }) => {
      const ready = wait();
      const state = stateOf(ready);
      const server = serveAt(held.fd, 'deaf');
      await once(server, 'spawn');
      const began = performance.now();
      await until('it would be ready where the system tells nothing', async () => {
        await connectTo(path);
        return performance.now() - began > 400;
      });
      expect(state.now).toBe('waiting');
      controller.abort(new Error('enough'));
      await expect(ready).rejects.toThrow('enough');
    }));

  it('is not ready because of connections that an earlier server has accepted', () =>
    withWait(async ({ held, path, wait, controller }) => {
      serveAt(held.fd, 'stuck');
      await wait();
      const second = wait();
      const state = stateOf(second);
      for (let looks = 0; looks < 20; looks++) await connectTo(path);
      expect(state.now).toBe('waiting');
      controller.abort(new Error('enough'));
      await expect(second).rejects.toThrow('enough');
    }));
});
