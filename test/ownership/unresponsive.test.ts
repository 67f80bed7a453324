import { existsSync, lstatSync, readdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { type Participant, participant } from '../helpers/participant.js';
import { until } from '../helpers/until.js';

let owner: Participant;
let member: Participant;
let late: Participant;

beforeAll(async () => {
  owner = await participant('owner', 'process');
  member = await participant('member', 'process');
  late = await participant('late', 'process');
});

afterAll(async () => {
  for (const one of [owner, member, late]) await one.end();
});

/** Each file with its identity. */
function files(directory: string): string[] {
  return readdirSync(directory).map((name) => `${name} ${lstatSync(join(directory, name)).ino}`);
}

/** What must hold for an owner that holds its lock but does not answer, until `goOn` lets it continue. */
function whileItHangs(says: string, hang: (directory: string) => Promise<() => Promise<void>>): Promise<void> {
  return withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    await owner.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
    await member.call({ do: 'acquire', path, as: 'y', options: { serve: 'echo' } });
    await member.call({ do: 'connect', of: 'y' });
    const before = files(directory);

    const goOn = await hang(directory);
    const options = { serve: 'echo', timeoutMs: 300 };
    const { error } = await late.call({ do: 'acquire', path, as: 'z', options });
    expect(error).toMatchObject({ code: 'ERR_SOCKREF_OWNER_UNRESPONSIVE', pid: owner.pid });
    expect(error.message).toContain(`(pid ${owner.pid}) holds its lock`);
    expect(error.message).toContain(`; ${says.replaceAll('PID', String(owner.pid))}`);
    const joining = await late.call({ do: 'acquire', path, as: 'z', options: { timeoutMs: 300 } });
    expect(joining['error']).toMatchObject({ code: 'ERR_SOCKREF_OWNER_UNRESPONSIVE', pid: owner.pid });
    expect((await late.call({ do: 'inspect', path }))['found']).toMatchObject({
      state: 'unresponsive',
      owner: { pid: owner.pid },
    });
    // No process takes over, and attached members keep their references.
    expect(files(directory)).toEqual(before);
    expect(await member.call({ do: 'state', of: 'y' })).toMatchObject({ role: 'member', active: true, count: 2 });
    await member.call({ do: 'clone', of: 'y', as: 'y2' });
    expect(await member.call({ do: 'count', of: 'y' })).toMatchObject({ count: 3 });
    // These two have enough time to see it continue.
    const patient = late.call({ do: 'acquire', path, as: 'z', options: { serve: 'echo', timeoutMs: 50_000 } });
    const connecting = member.call({ do: 'connect', of: 'y', options: { timeoutMs: 50_000 } });

    await goOn();
    expect(await patient).toMatchObject({ active: true, role: 'member' });
    expect(await connecting).toMatchObject({ by: 'owner' });
    for (const [who, of] of [
      [owner, 'x'],
      [member, 'y'],
      [late, 'z'],
    ] as const) {
      await until('it knows that there are four', async () => (await who.call({ do: 'count', of }))['count'] === 4);
    }
    expect(files(directory)).toEqual(before);
    for (const who of [owner, member, late]) expect((await who.call({ do: 'events' }))['faults']).toEqual([]);
    await owner.call({ do: 'close', of: 'x' });
    await member.call({ do: 'close', of: 'y' });
    await member.call({ do: 'close', of: 'y2' });
    await late.call({ do: 'close', of: 'z' });
  });
}

test('a stopped owner is reported, and continues as if nothing had happened', () =>
  whileItHangs('it is stopped; continue it with kill -CONT PID, or end it with kill -KILL PID', async () => {
    await owner.stop();
    return async () => owner.goOn();
  }));

test('an owner with a blocked event loop is reported, and continues as if nothing had happened', () =>
  whileItHangs('it runs, and is busy or cannot accept another connection; wait longer', async (directory) => {
    const [begun, end] = [join(directory, 'begun'), join(directory, 'end')];
    writeFileSync(begun, '');
    const blocked = owner.call({ do: 'block', begun, until: end });
    await until('it is blocked', () => !existsSync(begun));
    return async () => {
      writeFileSync(end, '');
      await blocked;
      await rm(end);
    };
  }));

test('an owner that dies while it is stopped is replaced', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    const doomed = await participant('doomed', 'process');
    await doomed.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
    await member.call({ do: 'acquire', path, as: 'y', options: { serve: 'echo' } });
    await doomed.stop();
    // It can serve, too. A member that cannot does not wait for a successor that needs more than 250 ms on a busy machine.
    const waiting = late.call({ do: 'acquire', path, as: 'z', options: { serve: 'echo', timeoutMs: 50_000 } });
    const closing = member.call({ do: 'clone', of: 'y', as: 'y2' });
    await closing;
    await doomed.crash();
    expect(await waiting).toMatchObject({ active: true });
    await until('three count', async () => (await late.call({ do: 'count', of: 'z' }))['count'] === 3);
    const { by } = await late.call({ do: 'connect', of: 'z' });
    expect(['member', 'late']).toContain(by);
    expect(await member.call({ do: 'connect', of: 'y' })).toMatchObject({ by });
    for (const of of ['y', 'y2']) await member.call({ do: 'close', of });
    await late.call({ do: 'close', of: 'z' });
  }));

test('the last member of an owner that dies while it is stopped leaves nothing', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    const doomed = await participant('doomed', 'process');
    await doomed.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
    await member.call({ do: 'acquire', path, as: 'y' });
    await doomed.stop();
    const closing = member.call({ do: 'close', of: 'y' });
    await doomed.crash();
    await closing;
    expect(readdirSync(directory)).toEqual([]);
  }));

test('a release that a stopped owner does not answer still ends, and counts when the owner continues', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    await owner.call({ do: 'reset' });
    await member.call({ do: 'reset' });
    await owner.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
    const impatient = { serve: 'echo', failoverTimeoutMs: 50, drainTimeoutMs: 50 };
    await member.call({ do: 'acquire', path, as: 'y', options: impatient });
    await owner.stop();
    await member.call({ do: 'close', of: 'y' });
    expect((await member.call({ do: 'events' }))['faults']).toEqual(['ERR_SOCKREF_OWNER_UNRESPONSIVE']);
    owner.goOn();
    await until('the release counts', async () => (await owner.call({ do: 'count', of: 'x' }))['count'] === 1);
    await owner.call({ do: 'close', of: 'x' });
  }));
