import { renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { SocketManager, type SocketReference } from 'sockref';
import { expect, test } from 'vitest';
import { systemClock } from '#src/clock.js';
import { Directory } from '#src/files/directory.js';
import { endpointNames } from '#src/files/place.js';
import { claim } from '#src/ownership/claim.js';
import { KeeperDeaths } from '#src/ownership/keeper-deaths.js';
import type { Lease } from '#src/ownership/lease.js';
import { withDirectory } from '../helpers/directory.js';

const serve = (): void => {};

test('an owner whose lock file was replaced removes its own sockets when it ends', async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/a.sock`;
    const reference = await new SocketManager().acquire(path, { serve });
    // As a claimant that finds no lock file. It does not continue.
    unlinkSync(`${path}.lock`);
    writeFileSync(`${path}.lock`, '', { mode: 0o600 });
    await reference.close();
    expect(await readdir(directory)).toEqual(['a.sock.lock']);
    const next = await new SocketManager().acquire(path, { serve });
    expect(next.role).toBe('owner');
    await next.close();
  });
});

test('a deposed owner removes its own sockets, and its references continue', async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/a.sock`;
    const [old, other] = [new SocketManager({ healIntervalMs: 1 }), new SocketManager()];
    const reference = await old.acquire(path, { serve });
    const deposed = new Promise((resolve) => old.once('stopped', resolve));
    renameSync(`${path}.lock`, `${path}.gone`);
    writeFileSync(`${path}.lock`, '', { mode: 0o600 });
    await deposed;
    const member = await other.acquire(path, { serve });
    expect([reference.isActive, member.isActive]).toEqual([true, true]);
    (await reference.connect()).destroy();
    (await member.connect()).destroy();
    await reference.close();
    await member.close();
    unlinkSync(`${path}.gone`);
  });
});

test('two claimants end with one owner, even if one lost its lock file', async () => {
  await withDirectory(async (directory) => {
    for (let round = 0; round < 50; round++) await race(`${directory}/${round}.sock`, directory);
  });
});

/** A claimant's lock file is removed while it holds the lock, and another claimant makes a new file. */
async function race(path: string, directory: string): Promise<void> {
  const other = new SocketManager();
  const abort = new AbortController();
  let second: Promise<SocketReference> | undefined;
  let asked = 0;
  const leases: Lease[] = [];
  let ended: Promise<void> | undefined;
  const name = path.slice(directory.length + 1);
  const place = { directory: Directory.open(directory), names: endpointNames(name), path };
  await claim({
    place,
    settings: {
      mode: 0o600,
      lingerMs: 0,
      drainTimeoutMs: 0,
      failoverTimeoutMs: 10_000,
      healIntervalMs: 10_000,
      reclaim: 'recorded',
      label: undefined,
      maxReferences: 10,
      maxMembers: 10,
      maxConnections: 10,
    },
    context: {
      ...{ clock: systemClock, reclaimed() {}, healed() {}, fault() {}, cleanUp: async (work) => work() },
    },
    events: {
      stopping: (done) => {
        ended = done;
      },
      lost() {},
      ended() {},
    },
    serverSpec: () => {
      // Called before the claim tries the lock, and again when it holds it.
      if (++asked === 2) {
        unlinkSync(`${path}.lock`);
        second = other.acquire(path, { serve });
      }
      return { kind: 'handler', serve };
    },
    references: () => 1,
    own: [],
    keeperDeaths: new KeeperDeaths(),
    failover: undefined,
    signal: abort.signal,
    waitsFor() {},
    accept: (lease) => void leases.push(lease),
  });
  const reference = await second;
  expect([reference?.role, leases[0]?.role].sort()).toEqual(['member', 'owner']);
  await reference?.close();
  leases[0]?.update(0);
  await ended;
  place.directory.release();
}
