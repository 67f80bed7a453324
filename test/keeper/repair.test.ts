import { once } from 'node:events';
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { SocketManager } from 'sockref';
import { describe, expect, it } from 'vitest';
import { kill } from '../../labs/lib/signals.mjs';
import { behind, keeperOf, serverOf } from '../helpers/behind.js';
import { processesOf } from '../helpers/processes.js';
import { readAll } from '../helpers/serve.js';
import { lives } from '../helpers/server-process.js';
import { until } from '../helpers/until.js';

const greets = `
  require('node:net').createServer((socket) => socket.end('hello'))
    .listen(process.env.LISTEN_FDS ? { fd: 3 } : process.env.SOCKREF_LISTEN_PATH)`;

/** Whether the record names the server, as far as it is written. */
function recordNames(path: string, server: number): boolean {
  return existsSync(`${path}.lock`) && readFileSync(`${path}.lock`, 'utf8').includes(`"pgid":${server},`);
}

const isPrivate = (name: string): boolean => name.startsWith('.sr-');

describe.each([
  ['path mode', false],
  ['activation mode', true],
] as const)('in %s', (_, activate) => {
  const server = { command: ['node', '-e', greets], activate };

  /** Runs a test with a socket that a command serves, whose keeper checks its files all the time. */
  const withServer = (play: (path: string, manager: SocketManager, directory: string) => Promise<void>) =>
    behind(async ({ directory, scratch }) => {
      await using manager = new SocketManager({ healIntervalMs: 10 });
      const path = join(directory, 'app.sock');
      const reference = await manager.acquire(path, { server });
      await play(path, manager, directory);
      expect(await readAll(await reference.connect())).toBe('hello');
      await reference.close();
      expect(readdirSync(directory)).toEqual([]);
      await until('no process is left', () => processesOf(scratch).length === 0);
    });

  it('a socket that was removed is linked again, for the same server', () =>
    withServer(async (path) => {
      const before = { server: serverOf(path), inode: statSync(path).ino };
      unlinkSync(path);
      await until('it is there again', () => existsSync(path));
      expect({ server: serverOf(path), inode: statSync(path).ino }).toEqual(before);
    }));

  it('a server to which no name leads any more is restarted', () =>
    withServer(async (path, manager, directory) => {
      const before = serverOf(path);
      for (const name of readdirSync(directory).filter(isPrivate)) rmSync(join(directory, name), { recursive: true });
      unlinkSync(path);
      await until('another one is up', async () => {
        const now = (await manager.inspect(path))?.server;
        return now?.state === 'running' && now.pid !== before && existsSync(path);
      });
      expect(lives(before)).toBe(false);
    }));

  it('a removed lock file is made again, and its record names the server', () =>
    withServer(async (path, manager) => {
      const [keeper, server] = [keeperOf(path), serverOf(path)];
      unlinkSync(`${path}.lock`);
      await until('it is there again', () => recordNames(path, server));
      const failover = once(manager, 'failover');
      await kill(keeper);
      await failover;
      expect(keeperOf(path)).not.toBe(keeper);
      expect(lives(server)).toBe(false);
    }));

  it('a deposed keeper ends its server, and its holders continue with another one', () =>
    withServer(async (path, manager) => {
      const [keeper, server] = [keeperOf(path), serverOf(path)];
      const failover = once(manager, 'failover');
      // In one step: if it were missing for a moment, the keeper could check, and repair it.
      writeFileSync(`${path}.other`, '', { mode: 0o600 });
      renameSync(`${path}.other`, `${path}.lock`);
      await failover;
      expect(keeperOf(path)).not.toBe(keeper);
      await until('the former ones have ended', () => !lives(server) && !lives(keeper));
    }));
});
