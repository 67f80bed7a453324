import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControlPeer } from '../helpers/control-peer.js';
import { withDirectory } from '../helpers/directory.js';
import { type Participant, participant } from '../helpers/participant.js';
import { until } from '../helpers/until.js';

/** More connections than an owner with default limits has places for. Some are dropped and connect again all the time. */
const crowd = 1_300;

/** Connections that send nothing. A dropped one connects again at once. */
class Flood {
  readonly #path: string;
  readonly #open = new Set<Socket>();
  #over = false;
  #connected = 0;
  #dropped = 0;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Begins, and waits until some have lost their places. */
  static async begin(path: string, size = crowd): Promise<Flood> {
    const flood = new Flood(`${path}.ctl`);
    await new Promise<void>((resolve) => {
      for (let come = 0; come < size; come++) flood.#come(resolve);
    });
    return flood;
  }

  get connected(): number {
    return this.#connected;
  }

  async end(): Promise<void> {
    this.#over = true;
    const closed = [...this.#open].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of this.#open) socket.destroy();
    await Promise.all(closed);
  }

  #come(dropped: () => void): void {
    const socket = connect(this.#path);
    this.#open.add(socket);
    socket.on('connect', () => this.#connected++);
    // The queue was full, or the owner dropped it before it answered.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#open.delete(socket);
      if (this.#over) return;
      if (++this.#dropped === 100) dropped();
      setImmediate(() => this.#over || this.#come(dropped));
    });
    socket.resume();
  }
}

describe.each(['process', 'python'] as const)('silent connections to the control socket of an owner (%s)', (kind) => {
  let owner: Participant;
  let member: Participant;

  beforeAll(async () => {
    owner = await participant('owner', kind);
    member = await participant('member', 'process');
  });

  afterAll(() => Promise.all([member.end(), owner.end()]));

  it('that connect again and again do not prevent other processes from joining, asking, connecting and leaving', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'app.sock');
      await owner.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
      const flood = await Flood.begin(path);
      for (let round = 0; round < 3; round++) {
        const joined = await member.call({ do: 'acquire', path, as: 'y' });
        expect(joined).toMatchObject({ active: true, role: 'member' });
        expect(await member.call({ do: 'connect', of: 'y' })).toMatchObject({ by: 'owner', said: 'hello' });
        // An owner may be too busy to answer within the time of an inspect.
        await until('it answers who holds it', async () => {
          const { found } = await member.call({ do: 'inspect', path });
          if (found?.['state'] === 'unresponsive') return false;
          expect(found).toMatchObject({ state: 'active', references: 2, members: [{ pid: member.pid }] });
          return true;
        });
        await member.call({ do: 'close', of: 'y' });
      }
      expect(flood.connected).toBeGreaterThan(crowd);
      await flood.end();
      expect((await owner.call({ do: 'events' }))['faults']).toEqual([]);
      await owner.call({ do: 'close', of: 'x' });
    }));

  it('take no place of a member', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'app.sock');
      await owner.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
      const peers = await Promise.all(Array.from({ length: 200 }, () => ControlPeer.member(path)));
      const flood = await Flood.begin(path);
      peers[0]?.say({ type: 'references', n: 5 });
      await Promise.all(peers.map((peer) => peer.hearLast('total', 205)));
      await flood.end();
      await Promise.all(peers.map((peer) => peer.leave()));
      await until('they have left', async () => (await owner.call({ do: 'count', of: 'x' }))['count'] === 1);
      await owner.call({ do: 'close', of: 'x' });
    }));

  it('that use up its descriptors do not prevent other processes from joining and connecting', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'app.sock');
      const poor = await participant('poor', kind, { through: ['sh', '-c', 'ulimit -n 80; exec "$0" "$@"'] });
      await poor.call({ do: 'acquire', path, as: 'x', options: { serve: 'echo' } });
      const flood = await Flood.begin(path, 200);
      const joined = await member.call({ do: 'acquire', path, as: 'y', options: { timeoutMs: 50_000 } });
      expect(joined).toMatchObject({ active: true, role: 'member' });
      await flood.end();
      expect(await member.call({ do: 'connect', of: 'y' })).toMatchObject({ by: 'poor', said: 'hello' });
      await member.call({ do: 'close', of: 'y' });
      await poor.call({ do: 'close', of: 'x' });
      await poor.end();
    }));
});
