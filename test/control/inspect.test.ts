import { once } from 'node:events';
import { chownSync, unlinkSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import { query } from '#src/control/inspect.js';
import type { Place } from '#src/files/place.js';
import { processEntry } from '#src/processes/table.js';
import { fakeOwner } from '../helpers/control-peer.js';
import { isRoot, otherUid, takeLock, withPlace } from '../helpers/place.js';
import { runServer } from '../helpers/server-process.js';
import { deadSocket } from '../helpers/tree.js';
import { until } from '../helpers/until.js';

const self = { pid: 4_242, references: 1, since: 1, canServe: true };
const holders = { type: 'holders', state: 'active', owner: self, members: [], more: 0, total: 1, since: 1 };

/** Longer than any answer takes: only a failure takes this long. */
const long = 30_000;

/** Listens, accepts nothing, and connects to itself until the queue is full. */
const fullQueue = `
import signal, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(0)
held = []
try:
    while True:
        held.append(socket.socket(socket.AF_UNIX))
        held[-1].setblocking(False)
        held[-1].connect(sys.argv[1])
except BlockingIOError:
    print("full", flush=True)
signal.pause()
`;

/** With an owner that holds the lock and gives the given answer. */
async function withOwner(
  place: Place,
  answer: Parameters<typeof fakeOwner>[1],
  test: (server: Server) => Promise<void>,
): Promise<void> {
  const lock = takeLock(place);
  lock.begin();
  const server = await fakeOwner(place.path, answer);
  try {
    await test(server);
  } finally {
    server.close();
    await once(server, 'close');
    lock.remove();
    lock.release();
  }
}

describe('a query', () => {
  it('finds nothing where there is no socket', () =>
    withPlace(async (place) => {
      expect(await query(place, long)).toEqual({ kind: 'nothing' });
    }));

  it('finds the owner that answers, and closes the connection', () =>
    withPlace((place) => {
      let closed: Promise<unknown> | undefined;
      return withOwner(
        place,
        (_, peer) => {
          closed = peer.closed;
          return holders;
        },
        async () => {
          expect(await query(place, long)).toEqual({ kind: 'answered', holders });
          await closed;
        },
      );
    }));

  it.each([
    ['does not answer', 1, () => undefined],
    ['answers something else', long, () => ({ type: 'ready' })],
    ['answers nonsense', long, () => ({ type: 'nonsense' })],
    ['hangs up each time', 50, (_: unknown, peer: { leave(): unknown }) => void peer.leave()],
  ])('finds an owner silent that %s', (_, timeoutMs, answer) =>
    withPlace((place) =>
      withOwner(place, answer, async () => {
        const found = await query(place, timeoutMs);
        expect(found).toMatchObject({ kind: 'silent', connected: true, record: { pid: process.pid } });
      }),
    ),
  );

  it('repeats the question to an owner that had no place for it', () =>
    withPlace((place) => {
      let asked = 0;
      const answer: Parameters<typeof fakeOwner>[1] = (_, peer) => {
        if (++asked > 2) return holders;
        void peer.leave();
        return undefined;
      };
      return withOwner(place, answer, async () => {
        expect(await query(place, long)).toEqual({ kind: 'answered', holders });
        expect(asked).toBe(3);
      });
    }));

  it('calls an owner with a full queue silent, not starting or ending', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      lock.begin();
      const { line } = await runServer(`exec python3 -c '${fullQueue}' ${place.path}.ctl`);
      expect(await line()).toBe('full');
      expect(await query(place, 50)).toMatchObject({ kind: 'silent', connected: true, record: { pid: process.pid } });
      unlinkSync(`${place.path}.ctl`);
      lock.remove();
      lock.release();
    }));

  it('does not confuse a dead owner with the one that has its lock now', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      // Its pid is that of a living process that started at another time.
      const dead = { sockref: 1, pid: process.pid, start: '1', since: 1 };
      writeFileSync(`${place.path}.lock`, `${JSON.stringify(dead)}\n${JSON.stringify({ stopping: true })}\n`);
      expect(await query(place, long)).toEqual({ kind: 'silent', connected: false, record: undefined });
      const server = await fakeOwner(place.path, () => undefined);
      // In another namespace that pid may be another process, which does not answer.
      expect(await query(place, 1)).toMatchObject({ connected: true, record: { pid: process.pid } });
      server.close();
      await once(server, 'close');
      lock.remove();
      lock.release();
    }));

  it('does not call an owner alive that has ended but whose parent has not read its status', () =>
    withPlace(async (place) => {
      const { line } = await runServer('sleep 0.01 & echo $!; exec sleep 1000');
      const pid = Number(await line());
      const { start } = await until('it has ended', () => {
        const entry = processEntry(pid);
        return entry?.ended ? entry : undefined;
      });
      const lock = takeLock(place);
      writeFileSync(`${place.path}.lock`, `${JSON.stringify({ sockref: 1, pid, start, since: 1 })}\n`);
      expect(await query(place, long)).toEqual({ kind: 'silent', connected: false, record: undefined });
      lock.remove();
      lock.release();
    }));

  it('asks again if the owner died during the question', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      const dead = { sockref: 1, pid: process.pid, start: '1', since: 1 };
      writeFileSync(`${place.path}.lock`, `${JSON.stringify(dead)}\n`);
      let asked = 0;
      const server = await fakeOwner(place.path, (_, peer) => {
        asked++;
        if (asked > 1) return holders;
        void peer.leave();
        return undefined;
      });
      expect(await query(place, long)).toEqual({ kind: 'answered', holders });
      server.close();
      await once(server, 'close');
      lock.remove();
      lock.release();
    }));

  it('calls an owner without a socket yet silent', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      expect(await query(place, long)).toEqual({ kind: 'silent', connected: false, record: undefined });
      lock.begin();
      expect(await query(place, long)).toMatchObject({ connected: false, record: { pid: process.pid } });
      lock.remove();
      lock.release();
    }));

  it('finds the files of a dead owner, and leaves them', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      lock.begin();
      lock.release();
      await deadSocket(`${place.path}.ctl`);
      expect(await query(place, long)).toMatchObject({ kind: 'stale', record: { pid: process.pid } });
      expect(await query(place, long)).toMatchObject({ kind: 'stale' });
      unlinkSync(`${place.path}.ctl`);
      unlinkSync(`${place.path}.lock`);
    }));

  it('does not connect to a file that is not a socket', () =>
    withPlace(async (place) => {
      writeFileSync(`${place.path}.ctl`, '');
      expect(await query(place, long)).toEqual({ kind: 'nothing' });
      unlinkSync(`${place.path}.ctl`);
    }));

  it(isRoot ? 'does not connect to a socket of another user' : 'connects to sockets of its own user', () =>
    withPlace((place) => {
      let asked = 0;
      const answer = () => {
        asked++;
        return holders;
      };
      return withOwner(place, answer, async () => {
        if (isRoot) chownSync(`${place.path}.ctl`, otherUid, otherUid);
        expect(await query(place, long)).toMatchObject({ kind: isRoot ? 'silent' : 'answered' });
        expect(asked).toBe(isRoot ? 0 : 1);
      });
    }),
  );
});
