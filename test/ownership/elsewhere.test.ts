import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { type Participant, participant, type StartOptions } from '../helpers/participant.js';
import { until } from '../helpers/until.js';

/** Three holders in separate places. One of them serves, is killed, and has a successor. */
function shared(starts: readonly [StartOptions, StartOptions, StartOptions]): Promise<void> {
  return withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    const [a, b, c] = await Promise.all([
      participant('a', 'process', starts[0]),
      participant('b', 'process', starts[1]),
      participant('c', 'process', starts[2]),
    ]);
    const counts = (expected: number, ...who: readonly Participant[]) =>
      until(`all know of ${expected}`, async () => {
        const found = await Promise.all(who.map((one) => one.call({ do: 'count', of: 'x' })));
        return found.every(({ count }) => count === expected);
      });
    const options = { serve: 'echo' };
    expect(await a.call({ do: 'acquire', path, as: 'x', options })).toMatchObject({ role: 'owner', count: 1 });
    expect(await b.call({ do: 'acquire', path, as: 'x', options })).toMatchObject({ role: 'member', count: 2 });
    expect(await c.call({ do: 'acquire', path, as: 'x' })).toMatchObject({ role: 'member', count: 3 });
    await counts(3, a, b, c);
    for (const one of [a, b, c]) expect(await one.call({ do: 'connect', of: 'x' })).toMatchObject({ by: 'a' });
    expect((await c.call({ do: 'inspect', path }))['found']).toMatchObject({ owner: { pid: a.pid }, references: 3 });

    await a.crash();
    await counts(2, b, c);
    expect(await c.call({ do: 'connect', of: 'x' })).toMatchObject({ by: 'b' });
    await b.call({ do: 'close', of: 'x' });
    expect(await c.call({ do: 'connect', of: 'x' })).toMatchObject({ by: 'b' });
    await c.call({ do: 'close', of: 'x' });
    expect(readdirSync(directory)).toEqual([]);
    for (const one of [b, c]) {
      expect((await one.call({ do: 'events' }))['faults']).toEqual([]);
      await one.end();
    }
  });
}

/** A process that sees only the pids of its own namespace, if the system allows that. */
const namespace = (() => {
  const commands = [
    ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'],
    ['unshare', '--map-root-user', '--pid', '--fork', '--kill-child', '--mount-proc'],
  ];
  return commands.find(([command, ...args]) => spawnSync(command as string, [...args, 'true']).status === 0);
})();

test(`one owner ${namespace ? 'across pid namespaces' : '(the system does not let us make pid namespaces)'}`, () => {
  const apart = namespace ? { through: namespace } : {};
  // Two of them have the same pid, each in its own.
  return shared([apart, apart, {}]);
});

test('one owner across the workers of clusters', () => {
  const program = fileURLToPath(new URL('../fixtures/in-cluster.mjs', import.meta.url));
  return shared([{ program }, { program }, {}]);
});
