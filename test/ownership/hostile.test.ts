import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ControlPeer } from '../helpers/control-peer.js';
import { withDirectory } from '../helpers/directory.js';
import { type Participant, participant } from '../helpers/participant.js';
import { until } from '../helpers/until.js';

/** How much more memory an owner may use after the attack: the collector keeps some. */
const tolerance = 8 * 1024 * 1024;

let owner: Participant;
let member: Participant;

beforeAll(async () => {
  owner = await participant('owner', 'process');
  member = await participant('member', 'process');
});

afterAll(async () => {
  await member.end();
  await owner.end();
});

async function memory(): Promise<number> {
  const { heapUsed, external } = await owner.call({ do: 'memory' });
  return heapUsed + external;
}

/** Runs an attack on an endpoint with two holders, which must not be affected. */
function underAttack(attack: (path: string) => Promise<unknown>, faults: readonly string[]): Promise<void> {
  return withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    await owner.call({ do: 'reset' });
    await owner.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
    await member.call({ do: 'acquire', path, as: 'y' });
    await member.call({ do: 'connect', of: 'y' });
    const before = await memory();

    await attack(path);

    expect((await memory()) - before, 'memory of the owner').toBeLessThan(tolerance);
    expect(await member.call({ do: 'connect', of: 'y' })).toMatchObject({ by: 'owner', said: 'hello' });
    await until('only the two references count', async () => {
      const { count } = await owner.call({ do: 'count', of: 'x' });
      return count === 2;
    });
    expect(await member.call({ do: 'count', of: 'y' })).toMatchObject({ count: 2 });
    const { found } = await member.call({ do: 'inspect', path });
    expect(found).toMatchObject({ references: 2, members: [{ pid: member.pid }] });
    expect([...new Set((await owner.call({ do: 'events' }))['faults'])]).toEqual(faults);
    expect(await member.call({ do: 'events' })).toMatchObject({ faults: [] });
    await owner.call({ do: 'close', of: 'x' });
    await member.call({ do: 'close', of: 'y' });
  });
}

const protocol = ['ERR_SOCKREF_PROTOCOL'];

describe('a hostile peer ends its own connection and nothing else, with', () => {
  const cutOff: readonly (readonly [string, string | Buffer])[] = [
    ['random bytes', Buffer.concat([randomBytes(4096), Buffer.from('\n')])],
    ['bad UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22, 0x0a])],
    ['something that is not JSON', 'hello?\n'],
    ['JSON that is no message', '[]\n'],
    ['null', 'null\n'],
    ['a message of an unknown type', '{"type":"shutdown"}\n'],
    ['a count that is none', '{"type":"references","n":-1}\n'],
    ['a count beyond all numbers', '{"type":"references","n":1e999}\n'],
    ['a hello with a prototype', '{"__proto__":{"type":"hello"}}\n'],
    ['a hello of no reference', '{"type":"hello","v":1,"pid":1,"references":0,"canServe":true}\n'],
    ['a deep nest', `${'['.repeat(60_000)}\n`],
    ['a line that is too long', `"${'x'.repeat(65_536)}"\n`],
    ['references before hello', '{"type":"references","n":3}\n'],
    ['bye before hello', '{"type":"bye"}\n'],
    ['an empty line', '\n'],
  ];
  test.each(cutOff)('%s', (_, bytes) =>
    underAttack(async (path) => {
      const peer = await ControlPeer.to(path);
      peer.socket.write(bytes);
      await peer.closed;
    }, protocol),
  );

  test('half a message, and then the end of the connection', () =>
    underAttack(async (path) => {
      const peer = await ControlPeer.to(path);
      peer.socket.end('{"type":"hello","v":1,');
      await peer.closed;
    }, []));

  test('10 MB without a newline', () =>
    underAttack(async (path) => {
      const peer = await ControlPeer.to(path);
      await peer.flood(Buffer.alloc(64 * 1024, 'x'), 160);
      await peer.closed;
    }, protocol));

  test('a second hello', () =>
    underAttack(async (path) => {
      const peer = await ControlPeer.member(path, 5);
      peer.say({ type: 'hello', v: 1, pid: process.pid, references: 7, canServe: true });
      await peer.closed;
    }, protocol));

  test('half a million messages of garbage', () =>
    underAttack(async (path) => {
      const connections = 100;
      for (let made = 0; made < connections; made++) {
        const peer = await ControlPeer.to(path);
        await peer.flood('{"type":"garbage"}\n', 500_000 / connections);
        await peer.closed;
      }
    }, protocol));
});

describe('a peer that follows the rules without measure does not affect others, with', () => {
  test('half a million changes of its count', () =>
    underAttack(async (path) => {
      const peer = await ControlPeer.member(path);
      await peer.flood('{"type":"references","n":3}\n{"type":"references","n":4}\n', 250_000);
      peer.say({ type: 'references', n: 9 });
      await until('the last one counts', async () => (await owner.call({ do: 'count', of: 'x' }))['count'] === 11);
      await peer.leave();
    }, []));

  test('half a million questions whose answers it does not read', () =>
    underAttack(async (path) => {
      const peer = await ControlPeer.member(path);
      const before = await memory();
      peer.socket.pause();
      await peer.flood('{"type":"who"}\n', 500_000);
      expect((await memory()) - before, 'while it is there').toBeLessThan(tolerance);
      // The last answer that it reads is the newest.
      await member.call({ do: 'clone', of: 'y', as: 'y2' });
      peer.socket.resume();
      const { total } = await peer.hear('holders');
      expect(total).toBeGreaterThanOrEqual(3);
      await member.call({ do: 'close', of: 'y2' });
      await peer.leave();
    }, []));

  test('a hundred thousand requests to stop when unused', () =>
    underAttack(async (path) => {
      const before = await memory();
      const peer = await ControlPeer.to(path);
      await peer.flood('{"type":"stop","force":false}\n', 100_000);
      expect((await memory()) - before, 'while it is there').toBeLessThan(tolerance);
      await peer.leave();
    }, []));

  test('thousands of connections that ask and leave', () =>
    underAttack(async (path) => {
      for (let made = 0; made < 4000; made += 50) {
        const peers = await Promise.all(Array.from({ length: 50 }, () => ControlPeer.to(path)));
        for (const peer of peers) peer.say({ type: 'who' });
        // Every second connection does not wait for its answer.
        await Promise.all(peers.map((peer, index) => (index % 2 ? peer.hear('holders') : undefined)));
        await Promise.all(peers.map((peer) => peer.leave()));
      }
    }, []));
});

test('a member that does not read is told the newest count, and not all that it missed', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    await owner.call({ do: 'reset' });
    await owner.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
    const peer = await ControlPeer.member(path);
    peer.socket.pause();
    // Until the unread messages fill all buffers on the way.
    await peer.flood('{"type":"who"}\n', 20_000);
    const before = await memory();
    await owner.call({ do: 'churn', of: 'x', changes: 100_000 });
    expect((await memory()) - before, 'memory of the owner').toBeLessThan(tolerance);
    await owner.call({ do: 'clone', of: 'x', as: 'x2' });
    peer.socket.resume();
    await until('it knows the newest count', () => {
      const last = peer.heard.findLast(({ type }) => type === 'count');
      return last?.['total'] === 3;
    });
    // Messages that fit into the stream's buffer of 16 KiB are written: a small part of thousands of rounds of counts.
    expect(peer.heard.filter(({ type }) => type === 'count').length).toBeLessThan(16_384 / 40);
    await peer.leave();
    await owner.call({ do: 'close', of: 'x' });
    await owner.call({ do: 'close', of: 'x2' });
  }));

test('a stopped member costs the owner nothing while counts change, and knows the count when it continues', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    await owner.call({ do: 'reset' });
    await owner.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
    await member.call({ do: 'acquire', path, as: 'y' });
    const before = await memory();
    await member.stop();
    await owner.call({ do: 'churn', of: 'x', changes: 100_000 });
    await owner.call({ do: 'clone', of: 'x', as: 'x2' });
    expect((await memory()) - before, 'memory of the owner').toBeLessThan(tolerance);
    expect(await owner.call({ do: 'count', of: 'x' })).toMatchObject({ count: 3 });
    member.goOn();
    await until('it knows', async () => (await member.call({ do: 'count', of: 'y' }))['count'] === 3);
    for (const of of ['x', 'x2']) await owner.call({ do: 'close', of });
    await member.call({ do: 'close', of: 'y' });
  }));
