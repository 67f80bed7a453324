import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SocketManager } from 'sockref';
import { ForceCleanupSocket } from 'sockref/glide';
import { describe, expect, it } from 'vitest';
import { stop } from '../../labs/lib/signals.mjs';
import { behind, keeperOf, serverOf } from '../helpers/behind.js';
import { lives } from '../helpers/server-process.js';
import { until } from '../helpers/until.js';

const server = {
  command: ['node', '-e', `require('node:net').createServer().listen(process.env.SOCKREF_LISTEN_PATH)`],
};
const forever = { server, lingerMs: 3_600_000 };

describe('a forced clean-up of a socket that a command serves', () => {
  it('ends it when it lingers, and says so', () =>
    behind(async ({ directory }) => {
      const path = join(directory, 'app.sock');
      await using manager = new SocketManager();
      await (await manager.acquire(path, forever)).close();
      expect((await manager.inspect(path))?.state).toBe('lingering');
      const pid = serverOf(path);
      expect(await manager.forceCleanupSocket(path)).toBe(true);
      expect(readdirSync(directory)).toEqual([]);
      expect(lives(pid)).toBe(false);
      expect(await manager.forceCleanupSocket(path)).toBe(false);
    }));

  it('ends it for all its holders, from any process', () =>
    behind(async ({ directory }) => {
      const path = join(directory, 'app.sock');
      await using holding = new SocketManager();
      await using other = new SocketManager();
      const reference = await holding.acquire(path, forever);
      expect(await other.forceCleanupSocket(path)).toBe(true);
      await until('the holder knows', () => !reference.isActive);
      expect(reference.signal.reason).toMatchObject({ code: 'ERR_SOCKREF_CLOSED', reason: 'stopped' });
      expect(readdirSync(directory)).toEqual([]);
    }));

  it('ends the references of this manager first, as always', () =>
    behind(async ({ directory }) => {
      const path = join(directory, 'app.sock');
      await using manager = new SocketManager();
      const reference = await manager.acquire(path, forever);
      const forced = manager.forceCleanupSocket(path);
      expect(reference.isActive).toBe(false);
      expect(await forced).toBe(true);
      expect(reference.signal.reason).toMatchObject({ code: 'ERR_SOCKREF_CLOSED', reason: 'cleaned-up' });
      expect(readdirSync(directory)).toEqual([]);
    }));

  it('is also done by the older name', () =>
    behind(async ({ directory }) => {
      const path = join(directory, 'app.sock');
      await using manager = new SocketManager();
      await (await manager.acquire(path, forever)).close();
      ForceCleanupSocket(path);
      await until('every file is gone', () => readdirSync(directory).length === 0);
    }));

  it('touches neither a socket that another process serves without a command, nor one outside the allowed directories', () =>
    behind(async ({ directory, scratch }) => {
      const path = join(directory, 'app.sock');
      await using holding = new SocketManager();
      await using other = new SocketManager();
      const reference = await holding.acquire(path, { serve: (socket) => socket.end() });
      expect(await other.forceCleanupSocket(path)).toBe(false);
      expect(reference.isActive).toBe(true);
      await reference.close();
      await using strict = new SocketManager({ allowedDirectories: [scratch] });
      const held = await holding.acquire(path, forever);
      expect(await strict.forceCleanupSocket(path)).toBe(false);
      expect(held.isActive).toBe(true);
      expect(await other.forceCleanupSocket(path)).toBe(true);
    }));

  it('fails while its keeper does not answer, and does not say that there was nothing', () =>
    behind(async ({ directory }) => {
      const path = join(directory, 'app.sock');
      await using manager = new SocketManager();
      await (await manager.acquire(path, forever)).close();
      const keeper = keeperOf(path);
      await stop(keeper);
      manager.on('fault', () => {});
      await expect(manager.forceCleanupSocket(path)).rejects.toMatchObject({
        code: 'ERR_SOCKREF_OWNER_UNRESPONSIVE',
        pid: keeper,
      });
      process.kill(keeper, 'SIGCONT');
      expect(await manager.forceCleanupSocket(path)).toBe(true);
    }));
});
