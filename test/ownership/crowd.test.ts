import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { rounds } from '../helpers/nightly.js';
import { all, type Kind, type Participant, participant } from '../helpers/participant.js';
import { until } from '../helpers/until.js';

function crowd(kind: Kind, size: number): Promise<Participant[]> {
  return Promise.all(Array.from({ length: size }, (_, index) => participant(`${kind} ${index}`, kind)));
}

/** Each of them holds one reference: one serves, all reach it, and all know the total. */
async function expectOneServer(holders: readonly Participant[]): Promise<void> {
  const roles = (await all(holders, { do: 'role', of: 'x' })).map(({ role }) => role);
  expect(roles.filter((role) => role === 'owner')).toHaveLength(1);
  const answers = await all(holders, { do: 'connect', of: 'x' });
  expect(new Set(answers.map(({ by }) => by))).toEqual(new Set([holders[roles.indexOf('owner')]?.name]));
  await until('all know the total', async () => {
    const counts = await all(holders, { do: 'count', of: 'x' });
    return counts.every(({ count }) => count === holders.length);
  });
}

test('16 threads and 16 processes at once on one socket', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    const participants = [...(await crowd('thread', 16)), ...(await crowd('process', 16))];
    const acquired = await all(participants, { do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
    expect(acquired.filter(({ error, active }) => error || !active)).toEqual([]);
    await expectOneServer(participants);
    await all(participants, { do: 'close', of: 'x' });
    expect(readdirSync(directory)).toEqual([]);
    expect(new Set((await all(participants, { do: 'events' })).flatMap(({ faults }) => faults))).toEqual(new Set());
    await Promise.all(participants.map((one) => one.end()));
  }));

test('8 processes meet the socket of an owner that was killed', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    const participants = await crowd('process', 8);
    for (let round = 0; round < rounds(5, 100); round++) {
      const victim = await participant('victim', 'process');
      await victim.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
      await victim.crash();
      expect(readdirSync(directory)).toHaveLength(3);
      const acquired = await all(participants, { do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
      expect(acquired.filter(({ error }) => error)).toEqual([]);
      await expectOneServer(participants);
      await all(participants, { do: 'close', of: 'x' });
      expect(readdirSync(directory)).toEqual([]);
    }
    await Promise.all(participants.map((one) => one.end()));
  }));
