import { SocketManager } from 'sockref';
import { expect, test } from 'vitest';
import { ControlPeer } from '../helpers/control-peer.js';
import { withDirectory } from '../helpers/directory.js';

const serve = (): void => {};

test.each([11, Number.MAX_SAFE_INTEGER])('an owner with a limit of 10 does not accept %s references of a member', (n) =>
  withDirectory(async (directory) => {
    const path = `${directory}/a.sock`;
    const manager = new SocketManager({ limits: { maxReferencesPerSocket: 10 } });
    const faults: unknown[] = [];
    manager.on('fault', ({ error }) => faults.push(error));
    const reference = await manager.acquire(path, { serve });
    const peer = await ControlPeer.member(path);
    expect(reference.referenceCount).toBe(2);
    peer.say({ type: 'references', n });
    await peer.closed;
    expect(reference.referenceCount).toBe(1);
    expect(faults).toMatchObject([{ code: 'ERR_SOCKREF_PROTOCOL' }]);
    await reference.close();
  }),
);

test('a total stays exact, with any numbers from members', () =>
  withDirectory(async (directory) => {
    const path = `${directory}/a.sock`;
    const manager = new SocketManager({ limits: { maxReferencesPerSocket: Number.MAX_SAFE_INTEGER } });
    manager.on('fault', () => {});
    const reference = await manager.acquire(path, { serve });
    const [first, second] = [await ControlPeer.member(path), await ControlPeer.member(path)];
    first.say({ type: 'references', n: Number.MAX_SAFE_INTEGER - 2 });
    second.say({ type: 'references', n: 2 });
    await second.closed;
    expect(reference.referenceCount).toBe(Number.MAX_SAFE_INTEGER - 1);
    await first.leave();
    await reference.close();
  }));

test('a listing fits into a message, with labels of any length', () =>
  withDirectory(async (directory) => {
    const path = `${directory}/a.sock`;
    const manager = new SocketManager();
    // Six bytes each in JSON.
    const label = '\u0001'.repeat(200);
    const reference = await manager.acquire(path, { serve, label });
    const members = await Promise.all(
      Array.from({ length: 100 }, () => new SocketManager().acquire(path, { serve, label })),
    );
    const info = await manager.inspect(path);
    expect(info).toMatchObject({ state: 'active', references: 101, owner: { label } });
    expect(info?.members.length).toBeGreaterThan(40);
    expect((info?.members.length ?? 0) + (info?.moreMembers ?? 0)).toBe(100);
    await Promise.all(members.map((member) => member.close()));
    await reference.close();
  }));

test('of many simultaneous acquires in a member, as many are granted as the limit allows', () =>
  withDirectory(async (directory) => {
    const path = `${directory}/a.sock`;
    const limits = { maxReferencesPerSocket: 10 };
    const reference = await new SocketManager({ limits }).acquire(path, { serve });
    const member = new SocketManager();
    const ends = await Promise.allSettled(Array.from({ length: 20 }, () => member.acquire(path, { serve })));
    const granted = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    expect(granted).toHaveLength(9);
    for (const end of ends) {
      if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'ERR_SOCKREF_LIMIT_EXCEEDED', max: 10 });
    }
    await Promise.all(granted.map((each) => each.close()));
    await reference.close();
  }));
