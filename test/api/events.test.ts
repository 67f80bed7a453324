import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { join } from 'node:path';
import { type ManagerEvents, SocketManager } from 'sockref';
import { expect, it, vi } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { start } from '../helpers/program.js';
import { greet } from '../helpers/serve.js';

const names = [
  'started',
  'stopped',
  'acquired',
  'released',
  'failover',
  'lost',
  'healed',
  'reclaimed',
  'leak',
  'fault',
] as const satisfies readonly (keyof ManagerEvents)[];

/** Records the events of a manager, in their order. */
function listen(manager: SocketManager): [string, object][] {
  const heard: [string, object][] = [];
  for (const name of names) manager.on(name, (event: object) => void heard.push([name, event]));
  return heard;
}

it('reports the life of a socket in order, with path, count and role', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'a.sock');
    const manager = new SocketManager();
    const heard = listen(manager);
    const [first, second] = await Promise.all([manager.acquire(path, { serve: greet }), manager.acquire(path)]);
    const third = first.clone();
    await first.close();
    await Promise.all([second.close(), third.close()]);
    const event = (references: number) => ({ path, references, role: 'owner' });
    expect(heard).toEqual([
      ['started', event(0)],
      ['acquired', event(1)],
      ['acquired', event(2)],
      ['acquired', event(3)],
      ['released', event(2)],
      ['released', event(1)],
      ['released', event(0)],
      ['stopped', event(0)],
    ]);
  }));

it('reports the same on the diagnostics channels', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'a.sock');
    const manager = new SocketManager();
    const heard: [string, unknown][] = [];
    const listeners = names.map((name) => {
      const listener = (event: unknown) => void heard.push([name, event]);
      diagnostics.subscribe(`sockref:${name}`, listener);
      return () => diagnostics.unsubscribe(`sockref:${name}`, listener);
    });
    await (await manager.acquire(path, { serve: greet })).close();
    for (const unsubscribe of listeners) unsubscribe();
    expect(heard.map(([name]) => name)).toEqual(['started', 'acquired', 'released', 'stopped']);
    for (const [, event] of heard) expect(event).toMatchObject({ path, role: 'owner' });
  }));

it('reports a fault, and warns of it without a listener', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'a.sock');
    const manager = new SocketManager();
    const serve = () => {
      throw new Error('on purpose');
    };
    const reference = await manager.acquire(path, { serve });
    const warned = once(process, 'warning');
    (await reference.connect()).resume();
    const [warning] = await warned;
    expect(warning).toMatchObject({ name: 'SockrefWarning', code: 'SOCKREF_FAULT' });
    expect(warning.message).toContain('on purpose');

    const warn = vi.spyOn(process, 'emitWarning');
    const fault = once(manager, 'fault');
    (await reference.connect()).resume();
    expect((await fault)[0]).toMatchObject({ path, error: { message: 'on purpose' } });
    // Each kind of fault causes one warning.
    const closed = once((await reference.connect()).resume(), 'close');
    await closed;
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
    expect(manager.stats()).toMatchObject({ faults: 3, connections: { failed: 3 } });
    await reference.close();
  }));

it('reports a listener that throws as uncaught, and counts correctly', () =>
  withDirectory(async (directory) => {
    const program = await start('throwing-listeners.mjs', { args: [join(directory, 'a.sock')] });
    const { uncaught, counts, stats } = await program.line();
    expect(counts).toEqual([3, 3, 3, 4, 3, 0]);
    expect(stats).toMatchObject({ started: 1, stopped: 1, acquired: 4, released: 4, references: 0, activeSockets: 0 });
    // One for each event.
    expect(uncaught).toEqual({ started: 1, acquired: 4, released: 4, stopped: 1 });
    expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
  }));

it.each(['started', 'acquired'] as const)('lets a listener of "%s" acquire and release', (name) =>
  withDirectory(async (directory) => {
    const path = join(directory, 'a.sock');
    await using manager = new SocketManager();
    manager.once(name, () => manager.getExisting(path)?.close());
    const references = await Promise.all(Array.from({ length: 3 }, () => manager.acquire(path, { serve: greet })));
    expect(references.map((each) => [each.isActive, each.referenceCount])).toEqual(new Array(3).fill([true, 3]));
    // The waiting acquires counted already, so the socket did not stop and start again.
    expect(manager.stats()).toMatchObject({ started: 1, stopped: 0 });
    for (const each of references) (await each.connect()).destroy();
  }),
);

it.each(['started', 'acquired'] as const)('lets a listener of "%s" clean up', (name) =>
  withDirectory(async (directory) => {
    const path = join(directory, 'a.sock');
    await using manager = new SocketManager();
    let cleanedUp: Promise<boolean> | undefined;
    manager.once(name, () => {
      cleanedUp = manager.forceCleanupSocket(path);
    });
    const references = await Promise.all(Array.from({ length: 3 }, () => manager.acquire(path, { serve: greet })));
    expect(await cleanedUp).toBe(true);
    // The acquires that still waited got a reference to a fresh socket; the one that was given out before was ended.
    const active = references.filter((each) => each.isActive);
    expect(active).toHaveLength(name === 'started' ? 3 : 2);
    for (const each of active) (await each.connect()).destroy();
  }),
);
