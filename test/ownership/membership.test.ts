import { describe, expect, it, vi } from 'vitest';
import type { Place } from '#src/files/place.js';
import { Membership } from '#src/ownership/membership.js';
import type { NotAttached } from '#src/ownership/membership-start.js';
import type { OwnerSettings } from '#src/ownership/settings.js';
import { ControlPeer } from '../helpers/control-peer.js';
import { keeping, Notes, ownerSettings, socketPair } from '../helpers/parts.js';
import { withPlace } from '../helpers/place.js';
import { until } from '../helpers/until.js';

/** A member, and what a test sends to it as its owner. */
class Scene {
  readonly notes = new Notes();
  readonly owner: ControlPeer;
  readonly outcome: Promise<NotAttached | undefined>;
  readonly abort = new AbortController();
  /** Resolves when the member has closed its end of the connection and reported that. */
  readonly over: Promise<unknown>;
  member: Membership | undefined;

  constructor(
    place: Place,
    owner: ControlPeer,
    socket: Parameters<typeof Membership.attach>[0],
    settings: OwnerSettings,
    startedByUs: boolean,
  ) {
    this.owner = owner;
    const accept = (member: Membership): void => {
      this.notes.told.push('accepted');
      this.member = member;
    };
    const { notes } = this;
    const starting = (): void => void notes.told.push('starting');
    const base = { place, settings, context: notes, events: notes.events, references: 2, canServe: true };
    const start = { ...base, startedByUs, starting, accept };
    this.outcome = Membership.attach(socket, start, this.abort.signal);
    // Other tests need not wait for it.
    this.outcome.catch(() => {});
    this.over = new Promise((resolve) => socket.once('close', resolve));
  }

  welcome(changes: object = {}): void {
    const counts = { total: 5, members: 2, dependents: 1, yours: 2 };
    this.owner.say({ type: 'welcome', v: 1, pid: 4_242, state: 'ready', ...counts, maxReferences: 10, ...changes });
  }

  welcomeTwice(): void {
    this.welcome({ state: 'starting' });
    this.welcome({ state: 'starting' });
  }

  async attached(): Promise<Membership> {
    this.welcome();
    await this.outcome;
    if (!this.member) throw new Error('it was not accepted');
    return this.member;
  }
}

function withMember(
  play: (scene: Scene) => Promise<void>,
  changes: Partial<OwnerSettings> = {},
  startedByUs = false,
): Promise<void> {
  return withPlace(async (place) => {
    const [socket, peer] = await socketPair(place.directory.path);
    const scene = new Scene(place, new ControlPeer(peer), socket, ownerSettings(changes), startedByUs);
    try {
      await play(scene);
    } finally {
      await scene.owner.leave();
      socket.destroy();
    }
    expect(scene.notes.clock.timers).toBe(0);
  });
}

describe('a member that attaches', () => {
  it('sends its `hello`, and uses the numbers of the owner', () =>
    withMember(
      async (scene) => {
        expect(await scene.owner.hear('hello')).toMatchObject({
          v: 1,
          pid: process.pid,
          references: 2,
          label: 'tester',
        });
        const member = await scene.attached();
        expect(member).toMatchObject({ role: 'member', ownerPid: 4_242, others: 3, maxReferences: 10 });
        expect(member.peers).toEqual({ members: 2, dependents: 1 });
        await member.repair();
      },
      { label: 'tester' },
    ));

  it('waits for an owner that is still starting', () =>
    withMember(async (scene) => {
      scene.welcome({ state: 'starting', total: 2 });
      scene.owner.say({ type: 'count', total: 6, members: 3, dependents: 0, yours: 2 });
      await scene.owner.hear('hello');
      expect(scene.member).toBeUndefined();
      scene.owner.say({ type: 'ready' });
      await scene.outcome;
      expect(scene.member?.others).toBe(4);
    }));

  it('is accepted once, even if the owner says several times that the server is up', () =>
    withMember(async (scene) => {
      const member = await scene.attached();
      scene.owner.say({ type: 'ready' });
      scene.owner.say({ type: 'count', total: 9, members: 2, dependents: 1, yours: 2 });
      member.update(3);
      await scene.owner.hear('references');
      expect(scene.notes.told).toEqual(['accepted']);
    }));

  it.each([
    ['is on its way out', 'stopping', (scene: Scene) => scene.owner.say({ type: 'stopping' })],
    ['hangs up', 'closed', (scene: Scene) => void scene.owner.leave()],
  ])('says so when the owner %s', (_, outcome, happen) =>
    withMember(async (scene) => {
      happen(scene);
      expect(await scene.outcome).toBe(outcome);
      expect(scene.notes.told).toEqual([]);
    }),
  );

  it('fails with the error of the owner, with the fields of that code and no others', () =>
    withMember(async (scene) => {
      const detail = { limit: 'maxMembersPerSocket', max: 3, path: '/etc/passwd', stack: 'x', code: 'EVIL' };
      scene.owner.say({ type: 'failed', code: 'ERR_SOCKREF_LIMIT_EXCEEDED', message: 'full', detail });
      const error = await scene.outcome.catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'ERR_SOCKREF_LIMIT_EXCEEDED', limit: 'maxMembersPerSocket', max: 3 });
      expect((error as { path: string }).path).toMatch(/app\.sock$/);
      expect((error as Error).stack).not.toBe('x');
    }));

  it.each(['ERR_SOCKREF_UNHEARD_OF', 'toString', '__proto__'])('fails for an unknown code such as %s', (code) =>
    withMember(async (scene) => {
      scene.owner.say({ type: 'failed', code, message: 'why' });
      await expect(scene.outcome).rejects.toMatchObject({ code: 'ERR_SOCKREF_PROTOCOL', message: 'why' });
    }),
  );

  it.each([
    ['a second welcome', 'welcome', (scene: Scene) => scene.welcomeTwice()],
    ['an answer to `bye`', 'bye', (scene: Scene) => scene.owner.say({ type: 'bye', last: false })],
    ['the answer to a question', 'holders', (scene: Scene) => scene.owner.say(holders)],
  ])('fails when it hears %s out of turn', (_, type, happen) =>
    withMember(async (scene) => {
      happen(scene);
      await expect(scene.outcome).rejects.toMatchObject({
        code: 'ERR_SOCKREF_PROTOCOL',
        message: expect.stringContaining(`"${type}" out of turn`),
      });
      await scene.over;
    }),
  );

  it('fails when it cannot understand the owner, and names both versions if they differ', () =>
    withMember(async (scene) => {
      scene.welcome({ v: 2 });
      await expect(scene.outcome).rejects.toMatchObject({ code: 'ERR_SOCKREF_PROTOCOL', ours: 1, theirs: 2 });
    }));

  it('gives up on request, before the owner has sent a message', () =>
    withMember(async (scene) => {
      await scene.owner.hear('hello');
      scene.abort.abort(new Error('enough'));
      await expect(scene.outcome).rejects.toThrow('enough');
      await scene.over;
      expect(scene.notes.told).toEqual([]);
    }));

  it('gives up on request, and waits for the end of an owner that this process has started', () =>
    withMember(
      async (scene) => {
        await scene.owner.hear('hello');
        scene.abort.abort(new Error('enough'));
        await scene.owner.hear('bye');
        const said = vi.fn();
        scene.outcome.catch(said);
        // The owner had begun to answer.
        scene.welcome({ state: 'starting' });
        await new Promise(setImmediate);
        expect(said).not.toHaveBeenCalled();
        scene.owner.say({ type: 'bye', last: true });
        await expect(scene.outcome).rejects.toThrow('enough');
        expect(scene.notes.told).toEqual([]);
      },
      {},
      true,
    ));

  it('gives up on request, is not accepted after that, and waits for the end of the owner', () =>
    withMember(async (scene) => {
      scene.welcome({ state: 'starting' });
      await until('it waits', () => scene.notes.told.includes('starting'));
      scene.abort.abort(new Error('enough'));
      scene.owner.say({ type: 'ready' });
      await scene.owner.hear('bye');
      const said = vi.fn();
      scene.outcome.catch(said);
      await new Promise(setImmediate);
      expect(said).not.toHaveBeenCalled();
      scene.owner.say({ type: 'bye', last: true });
      await expect(scene.outcome).rejects.toThrow('enough');
      await scene.over;
      expect(scene.notes.told).toEqual(['starting']);
    }));

  it('attaches and leaves at once, and waits until it is released', () =>
    withPlace(async (place) => {
      const [socket, peer] = await socketPair(place.directory.path);
      const owner = new ControlPeer(peer);
      const notes = new Notes();
      const base = {
        place,
        settings: ownerSettings(),
        context: notes,
        events: notes.events,
        canServe: true,
        startedByUs: false,
      };
      const left = Membership.visit(socket, { ...base, references: 1, starting: () => {}, accept: () => {} });
      await owner.hear('bye');
      const counts = { total: 1, members: 1, dependents: 0, yours: 1, maxReferences: 10 };
      owner.say({ type: 'welcome', v: 1, pid: 4_242, state: 'starting', ...counts });
      owner.say({ type: 'bye', last: true });
      await left;
      await owner.closed;
      expect(notes.told).toEqual([]);
      expect(notes.clock.timers).toBe(0);
    }));

  it('cannot be given up once it is attached', () =>
    withMember(async (scene) => {
      const member = await scene.attached();
      scene.abort.abort();
      member.update(3);
      expect(await scene.owner.hear('references')).toMatchObject({ n: 3 });
    }));
});

const self = { pid: 1, references: 1, since: 1, canServe: true };
const holders = { type: 'holders', state: 'active', owner: self, members: [], more: 0, total: 1, since: 1 };

describe('an attached member', () => {
  it('sends the newest count once a tick, and nothing if the owner has it already', () =>
    withMember(async (scene) => {
      const member = await scene.attached();
      for (const references of [3, 4, 2, 5]) member.update(references);
      expect(await scene.owner.hear('references')).toMatchObject({ n: 5 });
      member.update(6);
      member.update(5);
      await new Promise(setImmediate);
      member.update(0);
      await scene.owner.hear('bye');
      scene.owner.say({ type: 'bye', last: false });
      await scene.notes.done;
      expect(scene.owner.heard.map(({ type }) => type)).toEqual(['hello', 'references', 'bye']);
    }));

  it('sends the newest count to a slow owner when the owner reads', () =>
    withMember(async (scene) => {
      const member = await scene.attached();
      scene.owner.socket.pause();
      const last = 40_000;
      for (let references = 3; references <= last; references++) {
        member.update(references);
        await new Promise(setImmediate);
      }
      scene.owner.socket.resume();
      while ((await scene.owner.hear('references'))['n'] !== last) await new Promise(setImmediate);
      // The counts in the buffers of the kernel and Node are sent. After they were full, one more is sent.
      expect(scene.owner.heard.length).toBeLessThan(last - 3);
    }));

  it('does not keep the process alive, unless it is set to', () =>
    withMember(async (scene) => {
      await scene.owner.hear('hello');
      const before = keeping('PipeWrap');
      const member = await scene.attached();
      expect(keeping('PipeWrap')).toBe(before - 1);
      member.keepAlive(true);
      expect(keeping('PipeWrap')).toBe(before);
    }));

  it.each([
    ['hangs up', (scene: Scene) => void scene.owner.leave()],
    ['stops', (scene: Scene) => scene.owner.say({ type: 'stopping' })],
    ['talks nonsense', (scene: Scene) => scene.owner.say({ type: 'nonsense' })],
    ['welcomes it again', (scene: Scene) => scene.welcome()],
    ['says goodbye unasked', (scene: Scene) => scene.owner.say({ type: 'bye', last: true })],
    ['an answer to a question that was not asked', (scene: Scene) => scene.owner.say(holders)],
  ])('takes its owner for lost when it %s', (_, happen) =>
    withMember(async (scene) => {
      const member = await scene.attached();
      happen(scene);
      await scene.over;
      expect(scene.notes.told).toEqual(['accepted', 'lost owner-died']);
      // It is over: no further call has an effect.
      member.update(0);
      await member.abandon();
      expect(scene.notes.told).toHaveLength(2);
    }),
  );

  it('ends when the socket was stopped by force', () =>
    withMember(async (scene) => {
      await scene.attached();
      scene.owner.say({ type: 'stopping', force: true });
      await scene.over;
      expect(scene.notes.told).toEqual(['accepted', 'ended']);
      expect(scene.notes.reasons).toMatchObject([{ code: 'ERR_SOCKREF_CLOSED', reason: 'stopped' }]);
    }));

  it('ends when the server failed for good', () =>
    withMember(async (scene) => {
      await scene.attached();
      scene.owner.say({ type: 'failed', code: 'ERR_SOCKREF_SYSTEM', message: 'broken', detail: { errno: 'EIO' } });
      await scene.over;
      expect(scene.notes.told).toEqual(['accepted', 'ended']);
      expect(scene.notes.reasons).toMatchObject([{ code: 'ERR_SOCKREF_SYSTEM', errno: 'EIO', message: 'broken' }]);
    }));
});

describe('a member that leaves', () => {
  it('waits for the answer, and keeps the process until then', () =>
    withMember(async (scene) => {
      const member = await scene.attached();
      const before = keeping('PipeWrap');
      const left = member.abandon();
      expect(keeping('PipeWrap')).toBe(before + 1);
      await scene.owner.hear('bye');
      // Messages that were under way when it left change nothing.
      scene.owner.say({ type: 'stopping' });
      scene.owner.say({ type: 'count', total: 1, members: 0, dependents: 0, yours: 0 });
      scene.owner.say({ type: 'bye', last: true });
      await left;
      await scene.notes.done;
      await member.abandon();
      expect(scene.notes.told).toEqual(['accepted', 'stopping']);
    }));

  it.each([
    ['fails', (scene: Scene) => scene.owner.say({ type: 'failed', code: 'ERR_SOCKREF_SYSTEM', message: 'no' })],
    ['talks nonsense', (scene: Scene) => scene.welcome()],
    ['dies', (scene: Scene) => void scene.owner.leave()],
  ])('has left all the same when its owner %s', (_, happen) =>
    withMember(async (scene) => {
      const member = await scene.attached();
      member.update(0);
      await scene.owner.hear('bye');
      happen(scene);
      await scene.notes.done;
      expect(scene.notes.told).toEqual(['accepted', 'stopping']);
      expect(scene.notes.faults).toEqual([]);
    }),
  );

  it('waits at most as long as a failover and a drain may take, and names the owner that did not answer', () =>
    withMember(
      async (scene) => {
        const member = await scene.attached();
        member.update(0);
        scene.notes.clock.pass(1_099);
        expect(scene.notes.faults).toEqual([]);
        scene.notes.clock.pass(1);
        await scene.notes.done;
        expect(scene.notes.faults).toMatchObject([
          { code: 'ERR_SOCKREF_OWNER_UNRESPONSIVE', pid: 4_242, timeoutMs: 1_100 },
        ]);
        await scene.over;
      },
      { failoverTimeoutMs: 1_000, drainTimeoutMs: 100 },
    ));
});
