import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { SocketManager, type SocketReference } from 'sockref';
import { describe, expect, it } from 'vitest';
import { examine } from '#src/cli/doctor/examine.js';
import { maxRecordBytes } from '#src/protocol/constants.js';
import { type Behind, behind, keeperOf, serverOf } from '../helpers/behind.js';
import { processesOf } from '../helpers/processes.js';
import { readAll } from '../helpers/serve.js';
import { lives } from '../helpers/server-process.js';
import { deadSocket } from '../helpers/tree.js';
import { until } from '../helpers/until.js';

/** A server that closes its socket at SIGUSR1, and makes another one at the next SIGUSR1. It reports how many it made. */
const relistens = `
  import { createServer } from 'node:net';
  let count = 0;
  let server;
  const toggle = () => {
    if (server) server = void server.close();
    else {
      const greeting = 'socket ' + ++count;
      server = createServer((socket) => socket.end(greeting)).listen(process.env.SOCKREF_LISTEN_PATH);
    }
  };
  process.on('SIGUSR1', toggle);
  process.on('SIGTERM', () => process.exit());
  // Keeps it alive while it has no socket.
  setInterval(() => {}, 1_000_000);
  toggle();`;
const server = { command: ['node', '--input-type=module', '-e', relistens] };

interface Scene extends Behind {
  readonly path: string;
  readonly manager: SocketManager;
  readonly reference: SocketReference;
}

/** Runs a test with a socket of such a server. The owner checks its files rarely, unless the test says otherwise. */
function withServer(play: (scene: Scene) => Promise<void>, healIntervalMs = 10): Promise<void> {
  return behind(async (where) => {
    await using manager = new SocketManager({ healIntervalMs });
    const path = join(where.directory, 'app.sock');
    const reference = await manager.acquire(path, { server });
    await play({ ...where, path, manager, reference });
    await reference.close();
    expect(readdirSync(where.directory)).toEqual([]);
    await until('no process is left', () => processesOf(where.scratch).length === 0);
  });
}

const toggle = (path: string): void => void process.kill(serverOf(path), 'SIGUSR1');
const privateOf = (directory: string): string =>
  join(directory, readdirSync(directory).find((name) => name.startsWith('.sr-')) as string, 'app.sock');
const greetingOf = async (reference: SocketReference): Promise<string> => readAll(await reference.connect());
const logFile = (scratch: string): string => {
  const folder = join(scratch, 'state/sockref');
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.keeper.log')) as string);
};
const problemOf = async ({ manager, path }: Scene) => (await manager.inspect(path))?.server?.problem;

async function close({ directory, path }: Scene): Promise<void> {
  const at = privateOf(directory);
  toggle(path);
  await until('the server has closed its socket', () => !existsSync(at));
}

async function reopen({ directory, path }: Scene): Promise<void> {
  const at = privateOf(directory);
  toggle(path);
  await until('the server has made another socket', () => existsSync(at));
}

describe('a server that makes its socket again', () => {
  it('is published again, with its mode, by the same keeper', () =>
    withServer(async (scene) => {
      const { path, reference } = scene;
      const before = { keeper: keeperOf(path), server: serverOf(path) };
      for (const round of [2, 3]) {
        await close(scene);
        await reopen(scene);
        expect(await greetingOf(reference)).toBe(`socket ${round}`);
        expect(lstatSync(path).mode & 0o7777).toBe(0o600);
      }
      expect({ keeper: keeperOf(path), server: serverOf(path) }).toEqual(before);
    }));

  it('is found when a client is refused, by an owner that checks rarely', () =>
    withServer(async (scene) => {
      await close(scene);
      await reopen(scene);
      expect(await greetingOf(scene.reference)).toBe('socket 2');
    }, 2_000_000_000));

  it('counts as not listening while it has no socket: the owner, doctor and a fault say so', () =>
    withServer(async (scene) => {
      const { directory, manager, path, reference } = scene;
      const faults: unknown[] = [];
      manager.on('fault', ({ error }) => faults.push(error));
      await close(scene);
      expect(await until('the owner has seen it', () => problemOf(scene))).toBe('its socket is gone');
      expect((await manager.inspect(path))?.server).toMatchObject({ state: 'restarting', pid: serverOf(path) });
      expect((await examine(directory)).problems).toMatchObject([
        { kind: 'not-listening', path, pid: serverOf(path), message: expect.stringContaining('its socket is gone') },
      ]);
      const connected = reference.connect();
      await until('it is told', () => faults.length > 0);
      expect(faults).toMatchObject([{ code: 'ERR_SOCKREF_SERVER_FAILED', reason: 'not-listening', path }]);
      await reopen(scene);
      expect(await readAll(await connected)).toBe('socket 2');
      await until('it is well again', async () => (await manager.inspect(path))?.server?.state === 'running');
      expect((await examine(directory)).problems).toEqual([]);
      expect(faults).toHaveLength(1);
    }));

  it('makes new acquires wait until it listens again (I3)', () =>
    withServer(async (scene) => {
      await close(scene);
      await until('the owner has seen it', () => problemOf(scene));
      await using other = new SocketManager();
      let acquired = false;
      const acquiring = other.acquire(scene.path, { server }).finally(() => {
        acquired = true;
      });
      await until('it has come', async () => ((await other.inspect(scene.path))?.members.length ?? 0) === 2);
      expect(acquired).toBe(false);
      await reopen(scene);
      const second = await acquiring;
      expect(await greetingOf(second)).toBe('socket 2');
      await second.close();
    }));

  it('is not published before it accepts connections', () =>
    withServer(async (scene) => {
      const { directory, path, scratch } = scene;
      const inode = statSync(path).ino;
      await close(scene);
      const at = privateOf(directory);
      // As a killed server leaves it.
      await deadSocket(join(scratch, 'dead'));
      renameSync(join(scratch, 'dead'), at);
      expect(
        await until('the owner has seen it', async () => {
          const problem = await problemOf(scene);
          return problem?.startsWith('it has made another socket') && problem;
        }),
      ).toBe('it has made another socket, at which nothing accepts connections yet');
      expect(statSync(path).ino).toBe(inode);
      unlinkSync(at);
      await reopen(scene);
      expect(await greetingOf(scene.reference)).toBe('socket 2');
    }));

  it('is not killed when its names are gone; the owner waits for it', () =>
    withServer(async (scene) => {
      const { path, reference } = scene;
      const before = serverOf(path);
      await close(scene);
      unlinkSync(path);
      await until('the owner has seen it', () => problemOf(scene));
      await reopen(scene);
      expect(await greetingOf(reference)).toBe('socket 2');
      expect(serverOf(path)).toBe(before);
    }));

  it('leaves nothing when its keeper is killed: the record names both sockets', () =>
    withServer(async (scene) => {
      const { manager, path, reference } = scene;
      await close(scene);
      await reopen(scene);
      expect(await greetingOf(reference)).toBe('socket 2');
      const [keeper, before] = [keeperOf(path), serverOf(path)];
      const failover = once(manager, 'failover');
      process.kill(keeper, 'SIGKILL');
      await failover;
      expect(await greetingOf(reference)).toBe('socket 1');
      expect(lives(before)).toBe(false);
    }));

  it('may do so without a limit: the record is shortened before it is full', () =>
    withServer(async (scene) => {
      const lockFile = `${scene.path}.lock`;
      const line = (text: string) => `${JSON.stringify({ text })}\n`;
      // The lines that a thousand times would have left.
      appendFileSync(lockFile, line('x'.repeat(maxRecordBytes - statSync(lockFile).size - line('').length)));
      await close(scene);
      await reopen(scene);
      expect(await greetingOf(scene.reference)).toBe('socket 2');
      expect(statSync(lockFile).size).toBeLessThan(maxRecordBytes / 2);
    }));
});

describe('a server under `node --watch`', () => {
  it('is published again after each restart', () =>
    behind(async ({ directory, scratch }) => {
      const program = join(scratch, 'server.mjs');
      const write = (greeting: string): void =>
        writeFileSync(
          program,
          `import { createServer } from 'node:net';
           import { rmSync } from 'node:fs';
           const path = process.env.SOCKREF_LISTEN_PATH;
           // A server that its watcher ended has left its socket.
           rmSync(path, { force: true });
           createServer((socket) => socket.end('${greeting}')).listen(path);`,
        );
      write('before');
      await using manager = new SocketManager({ healIntervalMs: 10 });
      const path = join(directory, 'app.sock');
      const reference = await manager.acquire(path, { server: { command: ['node', '--watch', program] } });
      expect(await greetingOf(reference)).toBe('before');
      write('after');
      // A connection to the server that is ending breaks.
      await until('the new one answers', async () => (await greetingOf(reference).catch(() => '')) === 'after');
      await reference.close();
      expect(readdirSync(directory)).toEqual([]);
    }));
});

describe('modes that a server changed are restored and reported:', () => {
  it('the mode of its socket, and that of its private directory', () =>
    withServer(async ({ directory, path, scratch }) => {
      const folder = dirname(privateOf(directory));
      for (const each of [path, folder]) chmodSync(each, 0o777);
      await until('both are as they were', () => {
        const [socket, parent] = [path, folder].map((each) => lstatSync(each).mode & 0o7777);
        return socket === 0o600 && parent === 0o700;
      });
      await until('the journal has both', () => {
        const journal = readFileSync(logFile(scratch), 'utf8');
        return [path, folder].every((each) => journal.includes(`The mode of \\"${each}\\" was changed to 0777`));
      });
    }));
});
