import { join } from 'node:path';
import { SocketManager } from 'sockref';
import { expect, it } from 'vitest';
import { behind } from '../helpers/behind.js';

const listens = `require('node:net').createServer().listen(process.env.SOCKREF_LISTEN_PATH)`;

/** A letter that JSON writes with six bytes. */
const costly = '\u0001';

it('a listing has room for the server, with a command and labels of any length', () =>
  behind(async ({ directory }) => {
    const path = join(directory, 'app.sock');
    const server = { command: ['node', '-e', listens, costly.repeat(1_000)] };
    const label = costly.repeat(200);
    const managers = Array.from({ length: 60 }, () => new SocketManager());
    try {
      const [first, ...others] = managers as [SocketManager, ...SocketManager[]];
      await first.acquire(path, { server, label });
      await Promise.all(others.map((each) => each.acquire(path, { label })));
      const info = await first.inspect(path);
      expect(info?.server?.command).toHaveLength(1_000);
      // So many that the listing is full. Each one is still counted.
      expect(info?.moreMembers).toBeGreaterThan(0);
      expect((info?.members.length ?? 0) + (info?.moreMembers ?? 0)).toBe(60);
    } finally {
      await Promise.all(managers.map((each) => each.close()));
    }
  }));
