import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SocketManager } from 'sockref';
import { expect, test } from 'vitest';
import { ControlPeer, fakeOwner } from '../helpers/control-peer.js';
import { withDirectory } from '../helpers/directory.js';

const serve = (socket: import('node:net').Socket): unknown => socket.end('served');

/** Acquires, and returns the error with which that must fail. */
async function refusal(manager: SocketManager, path: string): Promise<Record<string, unknown> & Error> {
  return manager.acquire(path, { serve, timeoutMs: 5000 }).then(
    () => {
      throw new Error('it was acquired');
    },
    (error) => error,
  );
}

test.each([0, 2, 17])('a member of version %i is told both versions, and nothing else happens', (theirs) =>
  withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    const manager = new SocketManager();
    const faults: unknown[] = [];
    manager.on('fault', ({ error }) => faults.push(error));
    const reference = await manager.acquire(path, { serve });
    const peer = await ControlPeer.to(path);
    peer.say({ type: 'hello', v: theirs, pid: 1, references: 4, canServe: true, somethingNew: { a: 1 } });
    expect(await peer.hear('failed')).toMatchObject({
      code: 'ERR_SOCKREF_PROTOCOL',
      message: expect.stringMatching(new RegExp(`version 1\\b.*\\b${theirs}$`)),
      detail: { ours: theirs, theirs: 1 },
    });
    await peer.closed;
    expect(faults).toEqual([expect.objectContaining({ code: 'ERR_SOCKREF_PROTOCOL', ours: 1, theirs })]);
    expect(reference.referenceCount).toBe(1);
    expect((await manager.inspect(path))?.references).toBe(1);
    await reference.close();
  }),
);

test('an owner of another version says so, and the acquire ends in an error that names both', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    const heard: unknown[] = [];
    const owner = await fakeOwner(path, (message) => {
      heard.push(message);
      const detail = { ours: 1, theirs: 2 };
      const text = 'The owner (pid 1) speaks protocol version 2, and the member 1';
      return { type: 'failed', code: 'ERR_SOCKREF_PROTOCOL', message: text, detail, since: 'version 2' };
    });
    const manager = new SocketManager();
    const error = await refusal(manager, path);
    expect(error).toMatchObject({ code: 'ERR_SOCKREF_PROTOCOL', ours: 1, theirs: 2, path });
    expect(error.message).toMatch(/version 2.*\b1\b/);
    expect(heard).toEqual([expect.objectContaining({ type: 'hello', v: 1 })]);
    expect(manager.stats()).toMatchObject({ activeSockets: 0, pendingAcquires: 0 });
    expect(existsSync(`${path}.ctl`), 'the owner keeps its socket').toBe(true);
    owner.close();
  }));

test.each([2, 0])('an owner that welcomes in version %i is not understood, and both are named', (theirs) =>
  withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    const owner = await fakeOwner(path, () => ({ type: 'welcome', v: theirs, pid: 1, counts: [1] }));
    const error = await refusal(new SocketManager(), path);
    expect(error).toMatchObject({ code: 'ERR_SOCKREF_PROTOCOL', ours: 1, theirs });
    expect(error.message).toContain(`protocol version ${theirs}`);
    expect(error.message).toContain('version 1');
    owner.close();
  }),
);

test.each([
  ['nonsense', 'welcome to the jungle'],
  ['a list', []],
  ['an answer to `bye`', { type: 'bye', last: true }],
  ['what members say', { type: 'references', n: 1 }],
  ['a type that does not exist', { type: 'greetings' }],
])('an owner that answers with %s ends the acquire with an error', (_, said) =>
  withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    const owner = await fakeOwner(path, () => said as object);
    const manager = new SocketManager();
    const acquired = manager.acquire(path, { serve, timeoutMs: 5000 });
    await expect(acquired).rejects.toMatchObject({ code: 'ERR_SOCKREF_PROTOCOL' });
    owner.close();
  }),
);

test('the leftovers of a dead owner of a newer version stay, and an error names both versions', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    const record = '{"sockref":2,"pid":1,"since":1,"layout":"new"}\n';
    writeFileSync(`${path}.lock`, record, { mode: 0o600 });
    writeFileSync(path, 'kept');
    const manager = new SocketManager();
    for (let round = 0; round < 2; round++) {
      expect(await refusal(manager, path)).toMatchObject({ code: 'ERR_SOCKREF_PROTOCOL', ours: 1, theirs: 2 });
      await expect(manager.acquire(path)).rejects.toMatchObject({ code: 'ERR_SOCKREF_PROTOCOL' });
    }
    expect(existsSync(path)).toBe(true);
    expect(existsSync(`${path}.lock`)).toBe(true);
    rmSync(path);
    rmSync(`${path}.lock`);
  }));

test('the members of an owner that sends a malformed message later move to another owner', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    const welcome = {
      type: 'welcome',
      v: 1,
      pid: 4242,
      state: 'ready',
      total: 2,
      members: 1,
      dependents: 0,
      yours: 1,
      maxReferences: 100,
    };
    let peer: ControlPeer | undefined;
    const owner = await fakeOwner(path, (message, from) => {
      peer = from;
      return message['type'] === 'hello' ? welcome : undefined;
    });
    const manager = new SocketManager();
    const reference = await manager.acquire(path, { serve });
    expect(reference.referenceCount).toBe(2);
    const over = new Promise((resolve) => manager.once('failover', resolve));
    owner.close();
    peer?.say({ type: 'holders', state: 'active', owner: welcome, members: [], more: 0, total: 1, since: 1 });
    await over;
    expect(reference).toMatchObject({ role: 'owner', isActive: true, referenceCount: 1 });
    await reference.close();
  }));
