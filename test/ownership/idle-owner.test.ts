import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControlPeer } from '../helpers/control-peer.js';
import { withDirectory } from '../helpers/directory.js';
import { type Participant, participant } from '../helpers/participant.js';
import { until } from '../helpers/until.js';

/** Longer than the test: nothing but its members wakes the owner. */
const healIntervalMs = 1_000_000;

/** Members that attach at once. */
const together = 50;

describe.each(['process', 'python'] as const)('an idle owner (%s)', (kind) => {
  let owner: Participant;
  let holder: Participant;

  beforeAll(async () => {
    owner = await participant('owner', kind);
    holder = await participant('holder', 'process');
    await owner.call({ do: 'manager', options: { healIntervalMs } });
  });

  afterAll(() => Promise.all([holder.end(), owner.end()]));

  it.each([25, 200, 1_000])('tells %d members each new count, with nothing else that wakes it', (size) =>
    withDirectory(async (directory) => {
      const path = join(directory, 'app.sock');
      await owner.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
      await holder.call({ do: 'acquire', path, as: 'y' });
      const peers: ControlPeer[] = [];
      while (peers.length < size) {
        const come = Math.min(together, size - peers.length);
        peers.push(...(await Promise.all(Array.from({ length: come }, () => ControlPeer.member(path)))));
      }
      // Each change is one message. Only the owner determines how long it takes until all members know it.
      const total = size + 2;
      await allKnow(peers, holder, total);
      await holder.call({ do: 'clone', of: 'y', as: 'y2' });
      await allKnow(peers, holder, total + 1);
      await holder.call({ do: 'close', of: 'y2' });
      await allKnow(peers, holder, total);
      peers[0]?.say({ type: 'references', n: 4 });
      await allKnow(peers, holder, total + 3);
      await owner.call({ do: 'clone', of: 'x', as: 'x2' });
      await allKnow(peers, holder, total + 4);
      await Promise.all(peers.map((peer) => peer.leave()));
      await until('they have left', async () => (await owner.call({ do: 'count', of: 'x' }))['count'] === 3);
      await holder.call({ do: 'close', of: 'y' });
      for (const of of ['x', 'x2']) await owner.call({ do: 'close', of });
    }),
  );
});

/** Whether their last count is the total. The test asks the holder, because only it knows the total. */
async function allKnow(peers: readonly ControlPeer[], holder: Participant, total: number): Promise<void> {
  await Promise.all(peers.map((peer) => peer.hearLast('total', total)));
  while ((await holder.call({ do: 'count', of: 'y' }))['count'] !== total);
  expect(peers.filter((peer) => peer.heard.at(-1)?.['total'] !== total)).toEqual([]);
}
