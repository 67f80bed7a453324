import { lstatSync, readdirSync, truncateSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { type Participant, participant } from '../helpers/participant.js';
import { until } from '../helpers/until.js';

let owner: Participant;
let member: Participant;
let other: Participant;

beforeAll(async () => {
  owner = await participant('owner', 'process');
  member = await participant('member', 'process');
  other = await participant('other', 'process');
  await owner.call({ do: 'manager', options: { healIntervalMs: 20 } });
});

afterAll(async () => {
  for (const one of [owner, member, other]) await one.end();
});

const names = ['app.sock', 'app.sock.ctl', 'app.sock.lock'];

function files(directory: string): string[] {
  return readdirSync(directory).map((name) => `${name} ${lstatSync(join(directory, name)).ino}`);
}

function remove(directory: string, which: readonly string[]): void {
  for (const name of which) unlinkSync(join(directory, name));
}

async function counts(expected: number, ...handles: readonly (readonly [Participant, string])[]): Promise<void> {
  for (const [who, of] of handles) {
    await until(
      `${who.name} knows of ${expected}`,
      async () => (await who.call({ do: 'count', of }))['count'] === expected,
    );
  }
}

describe('a live owner with members publishes again the files that a cleaner removed:', () => {
  test.each([
    ['the data socket', ['app.sock']],
    ['the control socket', ['app.sock.ctl']],
    ['the lock file', ['app.sock.lock']],
    ['both sockets', ['app.sock', 'app.sock.ctl']],
    ['everything', names],
  ])('%s', (_, which) =>
    withDirectory(async (directory) => {
      const path = join(directory, 'app.sock');
      for (const who of [owner, member, other]) await who.call({ do: 'reset' });
      await owner.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
      await member.call({ do: 'acquire', path, as: 'y', options: { serve: 'echo' } });
      await member.call({ do: 'connect', of: 'y', keep: 'open' });
      for (let round = 1; round <= 3; round++) {
        remove(directory, which);
        await owner.call({ do: 'event', event: 'healed', times: round });
        expect(readdirSync(directory)).toEqual(expect.arrayContaining(names));
        expect(await other.call({ do: 'acquire', path, as: 'z' })).toMatchObject({ role: 'member', active: true });
        await counts(3, [owner, 'x'], [member, 'y'], [other, 'z']);
        expect(await other.call({ do: 'connect', of: 'z' })).toMatchObject({ by: 'owner' });
        expect(await member.call({ do: 'connect', of: 'y' })).toMatchObject({ by: 'owner' });
        expect(await member.call({ do: 'say', connection: 'open', send: 'hi' })).toMatchObject({ by: 'owner' });
        await other.call({ do: 'close', of: 'z' });
        await counts(2, [owner, 'x'], [member, 'y']);
      }
      expect(await member.call({ do: 'events' })).toMatchObject({ events: { acquired: 1 }, faults: [] });
      expect((await owner.call({ do: 'events' }))['faults']).toEqual([]);
      await member.call({ do: 'hangUp', connection: 'open' });
      await owner.call({ do: 'close', of: 'x' });
      await member.call({ do: 'close', of: 'y' });
      expect(readdirSync(directory)).toEqual([]);
    }),
  );
});

/** While the owner is stopped its files are removed, and another process becomes owner. */
async function replaceOwner(directory: string): Promise<string[]> {
  await owner.stop();
  remove(directory, names);
  const path = join(directory, 'app.sock');
  expect(await other.call({ do: 'acquire', path, as: 'z', options: { serve: 'echo' } })).toMatchObject({
    role: 'owner',
    count: 1,
  });
  return files(directory);
}

describe('an owner whose lock file was replaced', () => {
  test('is deposed: its references, and those of its members, continue with the new one', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'app.sock');
      for (const who of [owner, member, other]) await who.call({ do: 'reset' });
      await owner.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
      await owner.call({ do: 'connect', of: 'x', keep: 'open' });
      await member.call({ do: 'acquire', path, as: 'y', options: { serve: 'echo' } });
      await member.call({ do: 'clone', of: 'y', as: 'y2' });
      const theirs = await replaceOwner(directory);
      owner.goOn();
      await owner.call({ do: 'event', event: 'failover' });
      await member.call({ do: 'event', event: 'failover' });
      await counts(4, [owner, 'x'], [member, 'y'], [other, 'z']);
      expect(await owner.call({ do: 'state', of: 'x' })).toMatchObject({ role: 'member', active: true });
      expect(await owner.call({ do: 'connect', of: 'x' })).toMatchObject({ by: 'other' });
      expect(await member.call({ do: 'connect', of: 'y' })).toMatchObject({ by: 'other' });
      expect(await owner.call({ do: 'say', connection: 'open', send: 'hi' }), 'an open connection').toMatchObject({
        by: 'owner',
      });
      await owner.call({ do: 'hangUp', connection: 'open' });
      expect(await owner.call({ do: 'events' })).toMatchObject({ events: { started: 1, stopped: 1 }, faults: [] });
      expect(files(directory), 'the files of the new owner').toEqual(theirs);
      await owner.call({ do: 'close', of: 'x' });
      await member.call({ do: 'close', of: 'y' });
      await counts(2, [member, 'y2'], [other, 'z']);
      expect(files(directory)).toEqual(theirs);
      await other.call({ do: 'close', of: 'z' });
      await member.call({ do: 'close', of: 'y2' });
      expect(readdirSync(directory)).toEqual([]);
    }));

  test('touches no file when it ends before it learns of that', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'app.sock');
      const unaware = owner;
      for (const end of ['close', 'exit', 'cleanup'] as const) {
        owner = await participant('owner', 'process');
        await owner.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
        const theirs = await replaceOwner(directory);
        const ended = end === 'exit' ? owner.exit() : owner.call({ do: end, of: 'x', path });
        owner.goOn();
        await ended;
        expect(files(directory)).toEqual(theirs);
        expect(await other.call({ do: 'connect', of: 'z' })).toMatchObject({ by: 'other' });
        await other.call({ do: 'close', of: 'z' });
        expect(readdirSync(directory)).toEqual([]);
        if (end !== 'exit') await owner.end();
      }
      owner = unaware;
    }));
});

test('an owner that is killed after its record was emptied leaves nothing that the next acquire does not remove', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    const mortal = await participant('mortal', 'process');
    await mortal.call({ do: 'manager', options: { healIntervalMs: 20 } });
    await mortal.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
    truncateSync(`${path}.lock`);
    await mortal.call({ do: 'event', event: 'fault', times: 1 });
    await mortal.crash();
    expect(readdirSync(directory).sort()).toEqual(names);
    await other.call({ do: 'reset' });
    expect(await other.call({ do: 'acquire', path, as: 'z', options: { serve: 'echo' } })).toMatchObject({
      role: 'owner',
    });
    await other.call({ do: 'close', of: 'z' });
    expect(readdirSync(directory)).toEqual([]);
  }));
