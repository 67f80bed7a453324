import { once } from 'node:events';
import { existsSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { connect, createServer as createNetServer } from 'node:net';
import { join } from 'node:path';
import { SocketManager } from 'sockref';
import { describe, expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { greet } from '../helpers/serve.js';
import { withSocket, works } from '../helpers/socket.js';
import { until } from '../helpers/until.js';

describe('repair', () => {
  it.each([
    ['the socket', ['a.sock']],
    ['the control socket', ['a.sock.ctl']],
    ['the lock file', ['a.sock.lock']],
    ['all three', ['a.sock.lock', 'a.sock.ctl', 'a.sock']],
  ])('makes %s again when it was removed', (_, names) =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager({ healIntervalMs: 5 });
      const path = join(directory, 'a.sock');
      const reference = await manager.acquire(path, { serve: greet, mode: 0o640 });
      const healed = once(manager, 'healed');
      for (const name of names) await unlink(join(directory, name));
      const [event] = await healed;
      expect(event.path).toBe(path);
      expect(names).toEqual(expect.arrayContaining([...event.files]));
      await until('all three are there again', () => readdirSync(directory).length === 3);
      expect(statSync(path).mode & 0o777).toBe(0o640);
      await works(reference);
      expect(await manager.inspect(path)).toMatchObject({ state: 'active', references: 1 });
      await reference.close();
    }),
  );

  it('happens when a connection needs it, and keeps the old connections', () =>
    withSocket(async (path, manager) => {
      const reference = await manager.acquire(path, { serve: (socket) => void socket.pipe(socket) });
      const before = await reference.connect();
      await unlink(path);
      const after = await reference.connect();
      for (const each of [before, after]) {
        each.write('still here');
        expect(String((await once(each, 'data'))[0])).toBe('still here');
        each.destroy();
      }
      expect(manager.stats()).toMatchObject({ healed: 1, faults: 0 });
    }));

  it('leaves a foreign file in the place of a socket alone, and reports it', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'a.sock');
      await using manager = new SocketManager({ healIntervalMs: 5 });
      const reference = await manager.acquire(path, { serve: greet });
      const fault = once(manager, 'fault');
      // In one tick: no check can come between the two.
      unlinkSync(path);
      const intruder = createNetServer().listen(path);
      await once(intruder, 'listening');
      const [{ error }] = await fault;
      expect(error).toMatchObject({ code: 'ERR_SOCKREF_ADDRESS_IN_USE', found: 'socket' });
      await reference.close();
      expect(existsSync(path)).toBe(true);
      intruder.close();
      await once(intruder, 'close');
    }));
});

it('deposes an owner whose lock file was replaced, and does not affect the new one', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'a.sock');
    await using old = new SocketManager();
    await using successor = new SocketManager();
    const first = await old.acquire(path, { serve: (socket) => void socket.end('old') });
    const attached = once(old, 'failover');
    const stopped = once(old, 'stopped');
    // A request for the holders makes an owner check its files. Later no name leads to the old owner.
    const asking = connect(`${path}.ctl`);
    await once(asking, 'connect');
    for (const name of ['a.sock.lock', 'a.sock.ctl', 'a.sock']) await unlink(join(directory, name));
    const second = await successor.acquire(path, { serve: greet });
    asking.write('{"type":"who"}\n');
    await Promise.all([attached, stopped]);
    asking.destroy();
    expect(second.role).toBe('owner');
    expect(first).toMatchObject({ isActive: true, role: 'member', referenceCount: 2 });
    await works(first);
    await works(second);
    const { ino } = statSync(path);
    await first.close();
    expect(statSync(path).ino).toBe(ino);
    await works(second);
    expect(second.referenceCount).toBe(1);
    await second.close();
    expect(existsSync(path)).toBe(false);
  }));
