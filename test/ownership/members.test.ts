import { describe, expect, it, vi } from 'vitest';
import type { Holder } from '#src/control/messages.js';
import { describeSelf } from '#src/ownership/describe.js';
import { Members } from '#src/ownership/members.js';
import { ControlPeer } from '../helpers/control-peer.js';
import { withDirectory } from '../helpers/directory.js';
import { FakeClock } from '../helpers/fake-clock.js';
import { socketPair } from '../helpers/parts.js';

/** The members of an owner that only records its calls. */
class Scene {
  readonly clock = new FakeClock();
  readonly told: string[] = [];
  readonly faults: unknown[] = [];
  readonly answers: ((last: boolean) => void)[] = [];
  readonly holds: Members;
  readonly #peers: ControlPeer[] = [];
  readonly #directory: string;
  phase: 'starting' | 'ready' | 'stopping' = 'ready';

  constructor(directory: string, maxMembers: number) {
    this.#directory = directory;
    const scene = this;
    this.holds = new Members({
      context: { clock: this.clock },
      settings: { maxMembers, maxReferences: 1_000 },
      server: { stopTimeoutMs: 5_000 },
      get phase() {
        return scene.phase;
      },
      changed: () => void this.told.push(`changed ${this.holds.total}`),
      left: (answer) => void this.answers.push(answer),
      describe: (members: readonly Holder[], more) => ({ type: 'holders', members, more }),
      stopRequested: (force) => void this.told.push(`stop ${force}`),
      fault: (error) => void this.faults.push(error),
    });
  }

  async visit(): Promise<ControlPeer> {
    const [peer, socket] = await socketPair(this.#directory);
    this.holds.accept(socket);
    const visitor = new ControlPeer(peer);
    this.#peers.push(visitor);
    return visitor;
  }

  async member(changes: object = {}): Promise<ControlPeer> {
    const peer = await this.visit();
    peer.say({ type: 'hello', v: 1, pid: 7, references: 2, canServe: true, ...changes });
    await peer.hear('welcome');
    return peer;
  }

  async end(): Promise<void> {
    this.holds.destroy();
    await Promise.all(this.#peers.map((peer) => peer.leave()));
  }
}

function withHolds(play: (scene: Scene) => Promise<void>, maxMembers = 300): Promise<void> {
  return withDirectory(async (directory) => {
    const scene = new Scene(directory, maxMembers);
    try {
      await play(scene);
    } finally {
      await scene.end();
    }
  });
}

describe('the members of an owner', () => {
  it('are counted; those that cannot serve are counted separately, also after they have left', () =>
    withHolds(async (scene) => {
      const { holds } = scene;
      const able = await scene.member();
      const unable = await scene.member({ canServe: false, references: 3, label: 'x', thread: 4 });
      expect(holds.peers).toEqual({ members: 2, dependents: 1 });
      expect(holds.list()).toEqual([
        { pid: 7, references: 2, since: expect.any(Number), canServe: true },
        { pid: 7, references: 3, since: expect.any(Number), canServe: false, label: 'x', thread: 4 },
      ]);
      unable.say({ type: 'bye' });
      able.say({ type: 'references', n: 5 });
      able.say({ type: 'who' });
      await able.hear('holders');
      unable.say({ type: 'who' });
      await unable.hear('holders');
      expect(holds.peers).toEqual({ members: 1, dependents: 0 });
      expect(holds.dependentsSeen).toBe(1);
      expect(holds.total).toBe(5);
      expect(scene.told.slice(0, 2)).toEqual(['changed 2', 'changed 5']);
      expect(scene.told.at(-1)).toBe('changed 5');
    }));

  it('have as many references as each said last', () =>
    withHolds(async (scene) => {
      const { holds } = scene;
      holds.own = 3;
      const peers = [await scene.member(), await scene.member(), await scene.member()];
      const said = peers.map(() => 2);
      const sum = () => said.reduce((total, each) => total + each, 0);
      // Numbers that grow, shrink, and stay the same.
      for (let step = 0; step < 60; step++) {
        const who = (step * 7) % peers.length;
        const n = 1 + ((step * step * 5) % 97);
        said[who] = n;
        peers[who]?.say({ type: 'references', n });
      }
      for (const peer of peers) {
        peer.say({ type: 'who' });
        await peer.hear('holders');
      }
      expect([holds.own, holds.others, holds.total]).toEqual([3, sum(), 3 + sum()]);
      expect(holds.list().map(({ references }) => references)).toEqual(said);
      for (const peer of peers) await peer.leave();
      await vi.waitFor(() => expect([holds.others, holds.total, holds.peers.members]).toEqual([0, 3, 0]));
    }));

  it('are answered when the owner knows whether they were the last', () =>
    withHolds(async (scene) => {
      const peer = await scene.member();
      peer.say({ type: 'bye' });
      peer.say({ type: 'who' });
      await peer.hear('holders');
      expect(peer.heard.some(({ type }) => type === 'bye')).toBe(false);
      scene.answers[0]?.(true);
      expect(await peer.hear('bye')).toEqual({ type: 'bye', last: true });
    }));

  it('that attached before the server was up are told that it is', () =>
    withHolds(async (scene) => {
      scene.phase = 'starting';
      const early = await scene.member();
      expect(await early.hear('welcome')).toMatchObject({ state: 'starting' });
      scene.phase = 'ready';
      scene.holds.ready();
      await early.hear('ready');
    }));

  it('are told counts in rounds, with a pause between two of them', () =>
    withHolds(async (scene) => {
      const { holds, clock } = scene;
      const peers = [await scene.member(), await scene.member()];
      const before = clock.timers;
      for (let time = 0; time < 5; time++) holds.announce();
      expect(clock.timers).toBe(before + 1);
      clock.pass(0);
      for (const peer of peers) {
        expect(await peer.hear('count')).toEqual({ type: 'count', total: 4, members: 2, dependents: 0, yours: 2 });
      }
      // Two members: a tenth of a millisecond.
      holds.announce();
      clock.pass(0.05);
      expect(clock.timers).toBe(before + 1);
      clock.pass(0.06);
      expect(clock.timers).toBe(before);
    }));

  it('are told a count that is due before the end', () =>
    withHolds(async (scene) => {
      const peer = await scene.member();
      scene.holds.own = 6;
      scene.holds.announce();
      scene.holds.close();
      expect(await peer.hear('count')).toMatchObject({ total: 8 });
      await peer.closed;
    }));

  it('do not delay the end if there are none', () =>
    withHolds(async ({ holds, clock }) => {
      holds.announce();
      expect(clock.timers).toBe(0);
    }));

  it('are listed up to 200, and the others as a number', () =>
    withHolds(async (scene) => {
      for (let come = 1; come < 202; come++) await scene.member();
      const peer = await scene.member();
      peer.say({ type: 'who' });
      const { members, more } = await peer.hear('holders');
      expect([members.length, more]).toEqual([200, 2]);
    }));

  it('are told when the socket was stopped by force', () =>
    withHolds(async (scene) => {
      const peer = await scene.member();
      peer.say({ type: 'stop', force: true });
      peer.say({ type: 'who' });
      await peer.hear('holders');
      expect(scene.told).toContain('stop true');
      scene.holds.endAll();
      expect(await peer.hear('stopping')).toEqual({ type: 'stopping', force: true });
    }));
});

describe('a connection that is not of a member', () => {
  it('is refused beyond the limits, by name', () =>
    withHolds(async (scene) => {
      const first = await scene.visit();
      first.say({ type: 'hello', v: 1, pid: 7, references: 1_001, canServe: true });
      expect(await first.hear('failed')).toMatchObject({ detail: { limit: 'maxReferencesPerSocket', max: 1_000 } });
      await scene.member();
      const second = await scene.visit();
      second.say({ type: 'hello', v: 1, pid: 7, references: 1, canServe: true });
      expect(await second.hear('failed')).toMatchObject({
        code: 'ERR_SOCKREF_LIMIT_EXCEEDED',
        detail: { limit: 'maxMembersPerSocket', max: 1 },
      });
      expect(scene.holds.total).toBe(2);
    }, 1));

  it.each([{ type: 'references', n: 1 }, { type: 'bye' }])(
    'is closed when it sends a message that only members may send: $type',
    (said) =>
      withHolds(async (scene) => {
        const peer = await scene.visit();
        peer.say(said);
        await peer.closed;
        expect(scene.faults).toMatchObject([
          { code: 'ERR_SOCKREF_PROTOCOL', message: expect.stringContaining('out of turn') },
        ]);
        expect(scene.told).toEqual([]);
      }),
  );

  it('is told when it has another version', () =>
    withHolds(async (scene) => {
      const peer = await scene.visit();
      peer.say({ type: 'hello', v: 2, pid: 7, references: 1, canServe: true });
      expect(await peer.hear('failed')).toMatchObject({ code: 'ERR_SOCKREF_PROTOCOL', detail: { ours: 2, theirs: 1 } });
      await peer.closed;
      expect(scene.faults).toMatchObject([{ code: 'ERR_SOCKREF_PROTOCOL', ours: 1, theirs: 2 }]);
    }));
});

it('describes this thread, with a label if there is one', () => {
  const self = describeSelf(3, 99, false, 'me');
  expect(self).toMatchObject({ pid: process.pid, references: 3, since: 99, canServe: false, label: 'me' });
  expect('label' in describeSelf(3, 99, true)).toBe(false);
});
