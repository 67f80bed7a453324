import { once } from 'node:events';
import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { type SocketInfo, SocketManager, type SocketReference } from 'sockref';
import { describe, expect, it } from 'vitest';
import { HeldSocket } from '#src/keeper/activation.js';
import { type Behind, behind, keeperOf, serverOf } from '../helpers/behind.js';
import { withDirectory } from '../helpers/directory.js';
import { connectTo } from '../helpers/listening.js';
import { lives } from '../helpers/server-process.js';
import { until } from '../helpers/until.js';

/** Serves one client after the other. It sends its pid, and exits with the status that the client sends, or continues. */
const command = [
  'python3',
  '-uc',
  `
import os, socket, sys
s = socket.socket(fileno=3)
while True:
    c, _ = s.accept()
    c.sendall(str(os.getpid()).encode())
    said = c.recv(9)
    c.close()
    if said: os._exit(int(said))
`,
];

interface Scene {
  readonly where: Behind;
  readonly manager: SocketManager;
  readonly reference: SocketReference;
  readonly path: string;
}

const activated = (test: (scene: Scene) => Promise<void>, server: object = {}): Promise<void> =>
  behind(async (where) => {
    const manager = new SocketManager();
    const path = join(where.directory, 'app.sock');
    const reference = await manager.acquire(path, { server: { command, activate: true, ...server } });
    try {
      await test({ where, manager, reference, path });
    } finally {
      await manager.close();
    }
    expect(readdirSync(where.directory)).toEqual([]);
  });

/** Asks the server for its pid, and makes it end or continue. */
async function ask(path: string, ending = ''): Promise<number> {
  const socket = await connectTo(path, '');
  const [pid] = await once(socket, 'data');
  socket.end(ending);
  await once(socket.resume(), 'close');
  return Number(pid);
}

const serverIn = (info: SocketInfo | undefined) => info?.server;
const isWaiting = async ({ manager, path }: Scene): Promise<boolean> =>
  serverIn(await manager.inspect(path))?.waiting === true;

describe('an activated server that ends with status 0', () => {
  it('is started by the next connection, every time', () =>
    activated(
      async (scene) => {
        const { path, manager, reference } = scene;
        const keeper = keeperOf(path);
        const pids = new Set<number>();
        // More often than it may fail.
        for (let life = 0; life < 2; life++) {
          const pid = await ask(path, '0');
          pids.add(pid);
          await until('it rests', () => isWaiting(scene));
          expect(lives(pid)).toBe(false);
          expect(await manager.inspect(path)).toMatchObject({
            state: 'active',
            server: { pid: undefined, state: 'running', restarts: 0, waiting: true },
          });
        }
        expect(pids.size).toBe(2);
        const pid = await ask(path);
        expect(await manager.inspect(path)).toMatchObject({ server: { pid, waiting: false, restarts: 0 } });
        expect(keeperOf(path)).toBe(keeper);
        expect(reference.isActive).toBe(true);
      },
      { restart: 0 },
    ));

  it('ends with the last reference while it waits for a client', () =>
    activated(async (scene) => {
      await ask(scene.path, '0');
      await until('it rests', () => isWaiting(scene));
      await scene.reference.close();
      expect(readdirSync(scene.where.directory)).toEqual([]);
    }));

  it('is stopped by force while it waits for a client', () =>
    activated(async (scene) => {
      await ask(scene.path, '0');
      await until('it rests', () => isWaiting(scene));
      const lost = once(scene.reference.signal, 'abort');
      process.kill(keeperOf(scene.path), 'SIGTERM');
      await lost;
      await until('all is removed', () => readdirSync(scene.where.directory).length === 0);
    }));

  it('works again after its keeper was killed while it waited for a client', () =>
    activated(async (scene) => {
      await ask(scene.path, '0');
      await until('it rests', () => isWaiting(scene));
      const keeper = keeperOf(scene.path);
      process.kill(keeper, 'SIGKILL');
      await until('another keeper is there', async () => {
        const info = await scene.manager.inspect(scene.path);
        return info?.state === 'active' && info.owner?.pid !== keeper && info.server?.pid !== undefined;
      });
      expect(await ask(scene.path)).toBe(serverOf(scene.path));
    }));

  it('has failed if it left a client in the queue, again and again', () =>
    activated(
      async ({ path, reference }) => {
        const lost = once(reference.signal, 'abort');
        // The waiting clients are in the queue, and each server takes one of them.
        const clients = await Promise.all(Array.from({ length: 4 }, () => connectTo(path, '')));
        for (const client of clients) client.on('error', () => {}).end('0');
        await lost;
        expect(reference.signal.reason).toMatchObject({
          code: 'ERR_SOCKREF_SERVER_FAILED',
          reason: 'restarts',
          exitCode: 0,
        });
        for (const client of clients) client.destroy();
      },
      { restart: 1 },
    ));

  it('gets another socket if its own was removed while it waited for a client', () =>
    activated(async (scene) => {
      const { path, manager, where } = scene;
      await ask(path, '0');
      await until('it rests', () => isWaiting(scene));
      const [temporary = ''] = readdirSync(where.directory).filter((name) => name.startsWith('.sr-'));
      renameSync(join(where.directory, temporary), join(where.scratch, 'gone'));
      renameSync(path, join(where.scratch, 'gone.sock'));
      await until('it is there again', async () => {
        const info = await manager.inspect(path);
        return info?.state === 'active' && info.server?.pid !== undefined && info.server.state === 'running';
      });
      expect(await ask(path)).toBe(serverOf(path));
    }));
});

it('an activated server that ends with another status has failed', () =>
  activated(
    async ({ path, reference }) => {
      const lost = once(reference.signal, 'abort');
      await ask(path, '3');
      await lost;
      expect(reference.signal.reason).toMatchObject({ reason: 'restarts', exitCode: 3 });
    },
    { restart: 0 },
  ));

describe('the wait for a client', () => {
  it('ends when a client connects, costs no work until then, and accepts no client', () =>
    withDirectory(async (directory) => {
      const held = new HeldSocket();
      await held.bind(`${directory}/s`);
      const before = process.cpuUsage();
      for (let round = 0; round < 3; round++) {
        const client = held.untilClient();
        await Promise.race([client, new Promise(setImmediate)]);
        const socket = await connectTo(`${directory}/s`);
        await client;
        // The client got no data, and its connection is still open.
        expect(socket.readyState).toBe('open');
      }
      const { user, system } = process.cpuUsage(before);
      expect(user + system).toBeLessThan(1_000_000);
      await held.close();
    }));

  it('can be stopped, and started again', () =>
    withDirectory(async (directory) => {
      const held = new HeldSocket();
      await held.bind(`${directory}/s`);
      let came = false;
      void held.untilClient()?.then(() => {
        came = true;
      });
      held.stopWaiting();
      const socket = await connectTo(`${directory}/s`);
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
      expect(came).toBe(false);
      await held.untilClient();
      const ended = once(socket, 'error');
      await held.close();
      await ended;
    }));
});
