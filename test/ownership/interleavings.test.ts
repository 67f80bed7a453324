import * as fc from 'fast-check';
import { isSocketReferenceError, SocketManager, type SocketReference } from 'sockref';
import { expect, test } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { until } from '../helpers/until.js';

/** Each manager is a separate participant, like a process: they share only by lock and control connection. */
interface Participant {
  readonly manager: SocketManager;
  readonly references: SocketReference[];
}

type Step =
  | { readonly do: 'acquire'; readonly who: number; readonly canServe: boolean; readonly lingers: boolean }
  | { readonly do: 'clone' | 'connect' | 'force' | 'turn'; readonly who: number }
  | { readonly do: 'close'; readonly who: number; readonly which: number };

const who = fc.nat({ max: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({ do: fc.constant('acquire' as const), who, canServe: fc.boolean(), lingers: fc.boolean() }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('close' as const), who, which: fc.nat({ max: 9 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('clone', 'connect', 'force', 'turn'), who }) },
);

test('after any simultaneous operations the counts agree, one participant serves, and nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) => withDirectory((dir) => run(dir, steps))),
  );
});

async function run(directory: string, steps: readonly Step[]): Promise<void> {
  const path = `${directory}/a.sock`;
  const faults: unknown[] = [];
  const participants: Participant[] = Array.from({ length: 5 }, () => {
    const manager = new SocketManager();
    manager.on('fault', ({ error }) => faults.push(error));
    return { manager, references: [] };
  });
  const under = new Set<Promise<unknown>>();
  for (const each of steps) {
    const participant = participants[each.who] as Participant;
    const doing = take(each, participant, path);
    under.add(doing);
    doing.finally(() => under.delete(doing)).catch(() => {});
    // All operations between two turns of the loop begin at once.
    if (each.do === 'turn') await doing;
  }
  await Promise.all(under);
  await agree(participants);
  for (const { references } of participants) await Promise.all(references.map((reference) => reference.close()));
  await Promise.all(participants.map(({ manager }) => manager.close()));
  expect(faults).toEqual([]);
}

async function take(each: Step, { manager, references }: Participant, path: string): Promise<void> {
  const active = references.find(({ isActive }) => isActive);
  switch (each.do) {
    case 'acquire':
      try {
        const options = each.canServe ? { serve: () => {}, lingerMs: each.lingers ? 2 : 0 } : {};
        references.push(await manager.acquire(path, options));
      } catch (error) {
        // No participant served it, or it was cleaned up during the acquire.
        const expected = ['ERR_SOCKREF_NOT_SERVED', 'ERR_SOCKREF_CLOSED'];
        if (!isSocketReferenceError(error) || !expected.includes(error.code)) throw error;
      }
      return;
    case 'clone':
      if (active) references.push(active.clone());
      return;
    case 'close': {
      const [reference] = references.splice(each.which % Math.max(1, references.length), 1);
      return reference?.close();
    }
    case 'connect':
      try {
        (await active?.connect())?.destroy();
      } catch (error) {
        // It was closed, cleaned up or lost meanwhile. An active one must connect.
        if (active?.isActive) throw error;
      }
      return;
    case 'force':
      references.length = 0;
      await manager.forceCleanupSocket(path);
      return;
    case 'turn':
      await new Promise((resolve) => setImmediate(resolve));
      return;
  }
}

/** Once all messages have arrived, every reference reads the sum, and leads to the owner. */
async function agree(participants: readonly Participant[]): Promise<void> {
  const active = () => participants.flatMap(({ references }) => references.filter(({ isActive }) => isActive));
  await until('every reference reads the sum', () =>
    active().every(({ referenceCount }) => referenceCount === active().length),
  );
  const owners = participants.filter(({ references }) =>
    references.some(({ isActive, role }) => isActive && role === 'owner'),
  );
  expect(owners.length).toBeLessThanOrEqual(1);
  for (const reference of active()) (await reference.connect()).destroy();
}
