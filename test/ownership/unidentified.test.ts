import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Clock } from '#src/clock.js';
import { Members } from '#src/ownership/members.js';
import { ControlPeer } from '../helpers/control-peer.js';
import { withDirectory } from '../helpers/directory.js';
import { until } from '../helpers/until.js';

/** A clock that the test advances. */
class ManualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ at: number; call: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, call: () => void) {
    const timer = { at: this.#now + ms, call };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  get pending(): number {
    return this.#timers.size;
  }

  pass(ms: number): void {
    this.#now += ms;
    for (const timer of this.#timers) {
      if (timer.at > this.#now) continue;
      this.#timers.delete(timer);
      timer.call();
    }
  }
}

interface Stage {
  readonly clock: ManualClock;
  readonly holds: Members;
  readonly stops: boolean[];
  phase: 'ready' | 'stopping';
  visit(): Promise<ControlPeer>;
}

function stage(play: (stage: Stage) => Promise<void>): Promise<void> {
  return withDirectory(async (directory) => {
    const clock = new ManualClock();
    const stops: boolean[] = [];
    const path = join(directory, 'control');
    const shared: Omit<Stage, 'holds' | 'visit'> = { clock, stops, phase: 'ready' };
    const holds = new Members({
      context: { clock },
      settings: { maxMembers: 2, maxReferences: 10 },
      server: { stopTimeoutMs: 5_000 },
      get phase() {
        return shared.phase;
      },
      changed: () => {},
      left: (answer) => answer(false),
      describe: () => ({ type: 'holders' }),
      stopRequested: (force) => void stops.push(force),
      fault: () => {},
    });
    const server = createServer((socket) => holds.accept(socket)).listen(path);
    await once(server, 'listening');
    const visit = async (): Promise<ControlPeer> => {
      const socket = connect({ path, allowHalfOpen: true });
      await Promise.all([once(socket, 'connect'), once(server, 'connection')]);
      return new ControlPeer(socket);
    };
    try {
      await play(Object.assign(shared, { holds, visit }));
    } finally {
      holds.destroy();
      server.close();
      await once(server, 'close');
    }
    await until('no timer is left', () => clock.pending === 0);
  });
}

const hello = { type: 'hello', v: 1, pid: 1, references: 1, canServe: true };

/** Longer than any connection may stay. */
const longMs = 10_000;

test('a silent connection ends after a while', () =>
  stage(async ({ clock, visit }) => {
    const peer = await visit();
    clock.pass(longMs - 1);
    expect(peer.socket.readableEnded).toBe(false);
    clock.pass(1);
    await ended(peer);
  }));

test('a connection that sends half a message ends after a while', () =>
  stage(async ({ clock, visit, holds }) => {
    const [half, whole] = [await visit(), await visit()];
    half.socket.write('{"type":"hello",');
    whole.say(hello);
    await whole.hear('welcome');
    clock.pass(longMs);
    await ended(half);
    expect(holds.peers.members).toBe(1);
    await whole.leave();
  }));

test('a connection that only asks may not stay for ever either', () =>
  stage(async ({ clock, visit }) => {
    const peer = await visit();
    peer.say({ type: 'who' });
    await peer.hear('holders');
    clock.pass(longMs);
    await ended(peer);
  }));

test('a connection that was refused, or whose member has left, is closed after a while', () =>
  stage(async ({ clock, visit, holds }) => {
    const peers = [await visit(), await visit(), await visit()] as const;
    for (const peer of peers) {
      peer.say(hello);
      await Promise.race([peer.hear('welcome'), peer.hear('failed')]);
    }
    expect(await peers[2].hear('failed')).toMatchObject({ detail: { limit: 'maxMembersPerSocket', max: 2 } });
    peers[1].say({ type: 'bye' });
    expect(await peers[1].hear('bye')).toEqual({ type: 'bye', last: false });
    clock.pass(longMs);
    await Promise.all([ended(peers[1]), ended(peers[2])]);
    expect(holds.peers.members).toBe(1);
    expect(peers[0].socket.readableEnded).toBe(false);
    await peers[0].leave();
  }));

test('a connection that comes while the socket stops is told so, and closed', () =>
  stage(async (shared) => {
    shared.phase = 'stopping';
    const peer = await shared.visit();
    peer.say(hello);
    await peer.hear('stopping');
    expect(shared.holds.total).toBe(0);
    shared.clock.pass(longMs);
    await ended(peer);
  }));

test('the connections of members, and those that wait for the end, may stay without a limit', () =>
  stage(async ({ clock, visit, holds, stops }) => {
    const [member, waiting] = [await visit(), await visit()];
    member.say(hello);
    await member.hear('welcome');
    for (let asked = 0; asked < 3; asked++) waiting.say({ type: 'stop', force: false });
    waiting.say({ type: 'who' });
    await waiting.hear('holders');
    expect(stops).toEqual([false, false, false]);
    clock.pass(1000 * longMs);
    expect(holds.peers.members).toBe(1);
    holds.ended();
    expect(await waiting.hear('bye')).toEqual({ type: 'bye', last: true });
    expect(waiting.heard.filter(({ type }) => type === 'bye')).toHaveLength(1);
    await Promise.all([member.leave(), waiting.leave()]);
  }));

/** The places for other connections of an owner with two members. */
const places = 2 + 64;

test('when all places are taken, the oldest connection gives its own to a new one, and no member does', () =>
  stage(async ({ visit, holds, clock }) => {
    const member = await visit();
    member.say(hello);
    await member.hear('welcome');
    const unidentified: ControlPeer[] = [];
    for (let come = 0; come < places; come++) unidentified.push(await visit());
    const late = await visit();
    await ended(unidentified[0] as ControlPeer);
    late.say(hello);
    await late.hear('welcome');
    expect(holds.peers.members).toBe(2);
    // The late one has no place any more, so one is free.
    const last = await visit();
    last.say({ type: 'who' });
    await last.hear('holders');
    expect(unidentified[1]?.socket.readableEnded).toBe(false);
    expect(clock.pending).toBe(places);
    await Promise.all([member, late, last, ...unidentified].map((peer) => peer.leave()));
  }));

test('a connection that waits for the end gives up its place like the others, even if it asked several times', () =>
  stage(async ({ visit }) => {
    const waiting = await visit();
    waiting.say({ type: 'stop', force: false });
    waiting.say({ type: 'who' });
    await waiting.hear('holders');
    const unidentified: ControlPeer[] = [];
    for (let come = 1; come < places; come++) unidentified.push(await visit());
    waiting.say({ type: 'stop', force: false });
    waiting.say({ type: 'who' });
    await until('it was heard', () => waiting.heard.filter(({ type }) => type === 'holders').length === 2);
    unidentified.push(await visit());
    await ended(waiting);
    await Promise.all(unidentified.map((peer) => peer.leave()));
  }));

test('for want of descriptors the older half of them is closed, and no connection of a member', () =>
  stage(async ({ visit, holds }) => {
    const member = await visit();
    member.say(hello);
    await member.hear('welcome');
    const [first, second, third] = [await visit(), await visit(), await visit()];
    holds.makeRoom();
    await Promise.all([ended(first), ended(second)]);
    expect(third.socket.readableEnded).toBe(false);
    expect(holds.peers.members).toBe(1);
    await Promise.all([member.leave(), third.leave()]);
  }));

/** The other side has closed it: nothing more comes, and written data is lost. */
async function ended(peer: ControlPeer): Promise<void> {
  if (!peer.socket.readableEnded) await once(peer.socket, 'end');
  peer.socket.write('\n');
  await peer.closed;
}
