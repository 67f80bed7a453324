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

test('an owner whose lock file was replaced takes its own sockets along when it ends', async () => {
  await withDirectory(async (directory) => {
    const path = `${directory}/a.sock`;
    const reference = await new SocketManager().acquire(path, { serve });
    // As a claimant does that finds no lock file; it gets no further.
    unlinkSync(`${path}.lock`);
    writeFileSync(`${path}.lock`, '', { mode: 0o600 });
    await reference.close();
    expect(await readdir(directory)).toEqual(['a.sock.lock']);
    const next = await new SocketManager().acquire(path, { serve });
    expect(next.role).toBe('owner');
    await next.close();
  });
});

test('an owner that is deposed takes its own sockets along, and its references go on', async () => {
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

test('two claimants of which one lost its lock file end with one owner', async () => {
  await withDirectory(async (directory) => {
    for (let round = 0; round < 50; round++) await race(`${directory}/${round}.sock`, directory);
  });
});

/** A claimant's lock file is removed in the moment in which it holds it, and another claimant makes a new one. */
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
      // Asked first before the lock is tried, and then when it is held.
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
