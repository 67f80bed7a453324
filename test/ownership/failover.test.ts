import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { rounds } from '../helpers/nightly.js';
import { all, type Kind, type Participant, participant } from '../helpers/participant.js';
import { until } from '../helpers/until.js';

const memberCount = 10;

/** Each participant holds two references and is attached to one owner, which is returned. */
async function settled(holders: readonly Participant[]): Promise<Participant> {
  return until('all are attached to one owner and know the total', async () => {
    const states = await all(holders, { do: 'state', of: 'x' });
    const owners = holders.filter((_, index) => states[index]?.['role'] === 'owner');
    if (states.some(({ count, active }) => count !== 2 * holders.length || !active)) return undefined;
    return owners.length === 1 ? owners[0] : undefined;
  });
}

test.each([
  ['processes that can all serve', 'process', () => true],
  ['processes of which half can serve', 'process', (index: number) => index % 2 === 0],
  ['threads that can all serve', 'thread', () => true],
] as const)('the owner of ten %s is killed again and again', (_, kind: Kind, canServe) =>
  withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    const join_ = async (index: number): Promise<Participant> => {
      const one = await participant(`${index}`, kind);
      const options = canServe(index) ? { serve: 'echo' } : {};
      const acquired = await one.call({ do: 'acquire', path, as: 'x', options });
      expect(acquired['error']).toBeUndefined();
      await one.call({ do: 'clone', of: 'x', as: 'x2' });
      return one;
    };
    let participants = [await join_(0)];
    participants.push(...(await Promise.all(Array.from({ length: memberCount }, (_, index) => join_(index + 1)))));
    for (let round = 0; round < rounds(3, 100); round++) {
      const owner = await settled(participants);
      participants = participants.filter((one) => one !== owner);
      await owner.crash();
      const successor = await settled(participants);
      const answers = await all(participants, { do: 'connect', of: 'x' });
      expect(new Set(answers.map(({ by }) => by))).toEqual(new Set([successor.name]));
      // Of the kind that is missing now, so that there is always a process that can take over.
      participants.push(await join_(Number(owner.name) + 2 * memberCount));
    }
    const events = await all(participants, { do: 'events' });
    expect(events.flatMap(({ faults }) => faults)).toEqual([]);
    expect(events.filter(({ events: { lost } }) => lost)).toEqual([]);
    await all(participants, { do: 'close', of: 'x2' });
    await all(participants, { do: 'close', of: 'x' });
    expect(readdirSync(directory)).toEqual([]);
    await Promise.all(participants.map((one) => one.end()));
  }),
);
