import { once } from 'node:events';
import { readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Place } from '#src/files/place.js';
import { claim } from '#src/ownership/claim.js';
import type { Claim } from '#src/ownership/claim-request.js';
import { KeeperDeaths } from '#src/ownership/keeper-deaths.js';
import type { Lease } from '#src/ownership/lease.js';
import type { WaitReason } from '#src/ownership/wait-reason.js';
import type { ServerSpec } from '#src/serving/server-spec.js';
import { fakeOwner } from '../helpers/control-peer.js';
import { Notes, ownerSettings } from '../helpers/parts.js';
import { takeLock, withPlace } from '../helpers/place.js';
import { greet } from '../helpers/serve.js';

/** A claim, and its reports. */
function begin(place: Place, changes: Partial<Claim> = {}) {
  const notes = new Notes();
  const abort = new AbortController();
  const leases: Lease[] = [];
  const obstacles: WaitReason[] = [];
  let heard: (() => void) | undefined;
  const settled = claim({
    place,
    settings: ownerSettings(),
    context: notes,
    events: notes.events,
    serverSpec: () => ({ kind: 'handler', serve: greet }),
    references: () => 1,
    own: [],
    keeperDeaths: new KeeperDeaths(),
    failover: undefined,
    signal: abort.signal,
    waitsFor: (what) => {
      obstacles.push(what);
      heard?.();
    },
    accept: (lease) => void leases.push(lease),
    ...changes,
  });
  settled.catch(() => {});
  /** Resolves when the text of its wait contains these words. */
  const waitsFor = async (words: string): Promise<WaitReason> => {
    for (;;) {
      const found = obstacles.find(({ waitingFor }) => waitingFor.includes(words));
      if (found) return found;
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    }
  };
  return { notes, abort, leases, settled, waitsFor };
}

async function end({ leases, notes }: ReturnType<typeof begin>): Promise<void> {
  leases[0]?.update(0);
  await notes.done;
}

describe('a claim', () => {
  it('becomes the owner if there is none', () =>
    withPlace(async (place) => {
      const claimed = begin(place);
      await claimed.settled;
      expect(claimed.leases).toMatchObject([{ role: 'owner', ownerPid: process.pid, others: 0 }]);
      await end(claimed);
      expect(claimed.notes.told).toEqual(['stopping']);
    }));

  it('becomes a member if there is an owner', () =>
    withPlace(async (place) => {
      const first = begin(place);
      await first.settled;
      const joined = begin(place, { serverSpec: () => undefined });
      await joined.settled;
      expect(joined.leases).toMatchObject([{ role: 'member', ownerPid: process.pid, others: 1 }]);
      await end(joined);
      await end(first);
    }));

  it('fails where no process serves and it can only join; with references at stake it waits', () =>
    withPlace(async (place) => {
      const serverSpec = () => undefined;
      await expect(begin(place, { serverSpec: serverSpec }).settled).rejects.toMatchObject({
        code: 'ERR_SOCKREF_NOT_SERVED',
      });
      const waiting = begin(place, { serverSpec: serverSpec, failover: { members: 1, dependents: 1 } });
      expect(await waiting.waitsFor('a new owner')).toEqual({ waitingFor: 'a new owner', pid: undefined });
      waiting.abort.abort(new Error('enough'));
      await expect(waiting.settled).rejects.toThrow();
    }));

  it('removes what a dead owner left, also if it can only join', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      lock.begin();
      lock.release();
      const joining = begin(place, { serverSpec: () => undefined });
      await expect(joining.settled).rejects.toMatchObject({ code: 'ERR_SOCKREF_NOT_SERVED' });
      expect(readdirSync(place.directory.path)).toEqual([]);
    }));

  it.each([
    ['starts', undefined],
    ['ends', { type: 'stopping' }],
  ])('waits for an owner that %s, and names it', (does, said) =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      lock.begin();
      const server = said && (await fakeOwner(place.path, () => said));
      const claimed = begin(place);
      const words = `the owner (pid ${process.pid}) to ${does.slice(0, -1)}`;
      expect(await claimed.waitsFor(words)).toMatchObject({ pid: process.pid });
      if (server) {
        server.close();
        await once(server, 'close');
      }
      lock.remove();
      lock.release();
      await claimed.settled;
      expect(claimed.leases).toMatchObject([{ role: 'owner' }]);
      await end(claimed);
    }),
  );

  it('says that an owner does not answer, and can be given up then', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      lock.begin();
      const server = await fakeOwner(place.path, () => undefined);
      const claimed = begin(place);
      expect(await claimed.waitsFor('the owner to answer')).toMatchObject({ pid: process.pid });
      claimed.abort.abort(new Error('enough'));
      await expect(claimed.settled).rejects.toThrow('enough');
      server.close();
      await once(server, 'close');
      lock.remove();
      lock.release();
    }));

  it('does nothing if it was given up before it began', () =>
    withPlace(async (place) => {
      const abort = new AbortController();
      abort.abort(new Error('enough'));
      const claimed = begin(place, { signal: abort.signal });
      await expect(claimed.settled).rejects.toThrow('enough');
      expect(claimed.leases).toEqual([]);
    }));

  it('leaves nothing behind if it is given up while it has the lock', () =>
    withPlace(async (place) => {
      const abort = new AbortController();
      let asked = 0;
      // Called for the attempt, and again when the lock is held.
      const serverSpec = (): ServerSpec => {
        if (++asked === 2) abort.abort(new Error('enough'));
        return { kind: 'handler', serve: greet };
      };
      const claimed = begin(place, { serverSpec: serverSpec, signal: abort.signal });
      await expect(claimed.settled).rejects.toThrow('enough');
      expect(readdirSync(place.directory.path)).toEqual([]);
    }));

  it('fails when a foreign file is in the way, and leaves it and nothing else', () =>
    withPlace(async (place) => {
      writeFileSync(place.path, 'mine');
      const claimed = begin(place);
      await expect(claimed.settled).rejects.toMatchObject({
        code: 'ERR_SOCKREF_ADDRESS_IN_USE',
        found: 'regular file',
      });
      expect(readdirSync(place.directory.path)).toEqual(['app.sock']);
      unlinkSync(place.path);
    }));

  it('continues after a failure while references are at stake, and says what failed', () =>
    withPlace(async (place) => {
      writeFileSync(place.path, 'mine');
      const claimed = begin(place, { failover: { members: 0, dependents: 0 } });
      const { waitingFor } = await claimed.waitsFor('the last attempt failed');
      expect(waitingFor).toContain('that sockref did not make');
      unlinkSync(place.path);
      await claimed.settled;
      await end(claimed);
    }));

  it('waits for an owner that answers although it lost its lock file', () =>
    withPlace(async (place) => {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.resume().end('{"type":"stopping"}\n');
      }).listen(`${place.path}.ctl`);
      await once(server, 'listening');
      const claimed = begin(place);
      await claimed.waitsFor('the owner to repair its files');
      server.close();
      await once(server, 'close');
      await claimed.settled;
      expect(claimed.leases).toMatchObject([{ role: 'owner' }]);
      await end(claimed);
    }));
});
