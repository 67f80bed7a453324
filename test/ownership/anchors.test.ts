import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ControlPeer } from '../helpers/control-peer.js';
import { withDirectory } from '../helpers/directory.js';
import { type Participant, participant } from '../helpers/participant.js';
import { until } from '../helpers/until.js';

/** An owner, and a member of it that is only a connection. */
interface Scene {
  readonly owner: Participant;
  readonly path: string;
  readonly member: ControlPeer;
  readonly key: string;
  /** The references that the owner counts. */
  count(): Promise<number>;
}

describe.each(['process', 'python'] as const)('an anchor at an owner in another process (%s)', (kind) => {
  function withMember(test: (scene: Scene) => Promise<void>): Promise<void> {
    return withDirectory(async (directory) => {
      const path = join(directory, 'app.sock');
      const owner = await participant('owner', kind);
      try {
        await owner.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
        const member = await ControlPeer.member(path, 2);
        const { anchor: key } = await member.hear('welcome');
        const count = async () => (await owner.call({ do: 'count', of: 'x' }))['count'];
        await test({ owner, path, member, key, count });
        await member.leave();
        await until('only the owner counts', async () => (await count()) === 1);
        await owner.call({ do: 'close', of: 'x' });
      } finally {
        await owner.end();
      }
    });
  }

  it('keeps the references of its member when the member ends without a `bye`', () =>
    withMember(async ({ path, member, key, count }) => {
      const anchor = await anchorAt(path, key);
      await member.leave();
      const other = await ControlPeer.member(path);
      // The owner has seen the end of the first connection, which came before.
      expect(await other.hear('welcome')).toMatchObject({ total: 4, members: 2 });
      expect(await count()).toBe(4);
      anchor.destroy();
      await until('the anchor does not count any more', async () => (await count()) === 2);
      await other.leave();
    }));

  it('ignores writes, and a read finds its end', () =>
    withMember(async ({ owner, path, member, key, count }) => {
      const anchor = await anchorAt(path, key);
      // What a command may write to it, and what a member would send.
      for (const text of [
        '+ git status\n',
        '{"type":"bye"}\n',
        '{"type":"stop","force":true}\n',
        '\0\xff',
        'x'.repeat(100_000),
      ]) {
        await new Promise((resolve) => anchor.write(text, 'latin1', resolve));
      }
      expect(anchor.readableEnded).toBe(true);
      member.say({ type: 'references', n: 3 });
      await until('the member goes on', async () => (await count()) === 4);
      expect(await owner.call({ do: 'events' })).toMatchObject({ faults: [] });
      anchor.destroy();
      await member.hear('unanchored');
      expect(await count()).toBe(4);
    }));

  it('ends with the `bye` of its member', () =>
    withMember(async ({ path, member, key, count }) => {
      const anchor = await anchorAt(path, key);
      member.say({ type: 'bye' });
      expect(await member.hear('bye')).toEqual({ type: 'bye', last: false });
      expect(await count()).toBe(1);
      await hasEnded(anchor);
      expect(member.heard.some(({ type }) => type === 'unanchored')).toBe(false);
    }));

  it('ends with its owner', () =>
    withMember(async ({ owner, path, member, key }) => {
      const anchor = await anchorAt(path, key);
      await member.leave();
      await owner.call({ do: 'cleanup', path });
      await hasEnded(anchor);
      await owner.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
    }));

  it('is refused without a key, and a second time', () =>
    withMember(async ({ path, key, member }) => {
      const anchor = await anchorAt(path, key);
      for (const named of ['0123456789abcdef', key]) {
        const peer = await ControlPeer.to(path);
        peer.say({ type: 'anchor', key: named });
        await peer.closed;
        expect(peer.heard).toEqual([]);
      }
      anchor.destroy();
      await member.hear('unanchored');
    }));
});

async function anchorAt(path: string, key: string): Promise<Socket> {
  const socket = connect({ path: `${path}.ctl`, allowHalfOpen: true }).on('error', () => {});
  socket.write(`${JSON.stringify({ type: 'anchor', key })}\n`);
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toBe('{"type":"anchored"}\n');
  await once(socket, 'end');
  return socket;
}

/** A write fails when the other side is gone; before that it is swallowed. */
async function hasEnded(socket: Socket): Promise<void> {
  await until('the anchor is over', () => {
    if (!socket.destroyed) socket.write('x');
    return socket.destroyed;
  });
}
