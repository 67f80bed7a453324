import { existsSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, it, vi } from 'vitest';
import { deferred } from '#src/deferred.js';
import { SocketReferenceError } from '#src/errors/error.js';
import type { Place } from '#src/files/place.js';
import { type Listener, listenerOf } from '#src/files/publish.js';
import { parseRecord } from '#src/files/record.js';
import { KeeperOwner, type StartedServer } from '#src/keeper/keeper-owner.js';
import type { ServerHost } from '#src/keeper/server-host.js';
import { maxRecordBytes } from '#src/protocol/constants.js';
import { ControlPeer } from '../helpers/control-peer.js';
import { Notes, ownerSettings } from '../helpers/parts.js';
import { takeLock, withPlace } from '../helpers/place.js';
import { until } from '../helpers/until.js';

/** A server that is up, and has stopped, at the test's call. */
class SlowService implements StartedServer {
  readonly stats = { open: 0, accepted: 0, dropped: 0, failed: 0 };
  readonly stopTimeoutMs = 100;
  readonly busy = true;
  readonly reachable = true;
  readonly recorded = [];
  readonly description = undefined;
  readonly up = deferred<void>();
  readonly down = deferred<void>();
  readonly did: string[] = [];
  host: ServerHost | undefined;

  start(host: ServerHost): Promise<void> {
    this.did.push('start');
    this.host = host;
    return this.up.promise;
  }

  source(): Listener {
    this.did.push('source');
    return listenerOf(createServer((socket) => socket.end()));
  }

  stop(): Promise<void> {
    this.did.push('stop');
    return this.down.promise;
  }

  detach(): void {
    this.did.push('let go');
  }
}

/** An owner with a slow server, and the calls that it gets. */
class Scene {
  readonly notes = new Notes();
  readonly server = new SlowService();
  readonly accepted = vi.fn();
  readonly place: Place;
  readonly started: Promise<void>;
  readonly opened: Promise<KeeperOwner>;

  constructor(place: Place) {
    this.place = place;
    const { notes, server } = this;
    const opened = deferred<KeeperOwner>();
    this.opened = opened.promise;
    this.started = KeeperOwner.keep(
      {
        ...{ server, lock: takeLock(place), settings: ownerSettings() },
        ...{ context: notes, events: notes.events },
        awaitedDependents: 0,
      },
      opened.resolve,
      this.accepted,
    );
    this.started.catch(() => {});
  }

  /** A member that waits for the server. */
  async waiting(): Promise<ControlPeer> {
    await this.opened;
    const member = await ControlPeer.member(this.place.path);
    expect(await member.hear('welcome')).toMatchObject({ state: 'starting' });
    await until('it is being started', () => this.server.host);
    return member;
  }

  get files(): string[] {
    return readdirSync(this.place.directory.path).sort();
  }
}

function withScene(play: (scene: Scene) => Promise<void>): Promise<void> {
  return withPlace(async (place) => {
    const scene = new Scene(place);
    await play(scene);
    // Only a member's connection that is left open depends on real time.
    expect(scene.notes.faults).toEqual([]);
  });
}

it('is not started without a member: after a while the owner ends', () =>
  withScene(async ({ opened, started, notes, server, accepted, place }) => {
    await opened;
    notes.clock.pass(9_999);
    await new Promise(setImmediate);
    expect(existsSync(`${place.path}.ctl`)).toBe(true);
    notes.clock.pass(1);
    await until('it ends', () => server.did.includes('stop'));
    server.down.resolve();
    await started;
    expect(server.did).toEqual(['stop']);
    expect(accepted).not.toHaveBeenCalled();
    expect(notes.told).toEqual(['stopping']);
  }));

it('tells the waiting members when it is up', () =>
  withScene(async (scene) => {
    const { server, notes } = scene;
    const [first, second] = [await scene.waiting(), await scene.waiting()];
    notes.clock.pass(60_000);
    expect(scene.files).toEqual(['app.sock.ctl', 'app.sock.lock']);
    await server.host?.publish();
    server.up.resolve();
    await Promise.all([first.hear('ready'), second.hear('ready'), scene.started]);
    expect(scene.accepted).toHaveBeenCalledOnce();
    expect(scene.files).toEqual(['app.sock', 'app.sock.ctl', 'app.sock.lock']);
    server.down.resolve();
    first.say({ type: 'bye' });
    expect(await first.hear('bye')).toMatchObject({ last: false });
    second.say({ type: 'bye' });
    expect(await second.hear('bye')).toMatchObject({ last: true });
  }));

it('that fails before it is up is reported when its files are gone', () =>
  withScene(async (scene) => {
    const { server } = scene;
    const member = await scene.waiting();
    server.up.reject(
      new SocketReferenceError('ERR_SOCKREF_SERVER_FAILED', 'on purpose', { path: 'x', reason: 'exited', exitCode: 3 }),
    );
    await until('it ends', () => server.did.includes('stop'));
    expect(member.heard.map(({ type }) => type)).not.toContain('failed');
    server.down.resolve();
    const told = await member.hear('failed');
    expect(scene.files).toEqual([]);
    expect(told).toMatchObject({ code: 'ERR_SOCKREF_SERVER_FAILED', detail: { reason: 'exited', exitCode: 3 } });
    await expect(scene.started).rejects.toThrow('on purpose');
    expect(scene.accepted).not.toHaveBeenCalled();
    await member.closed;
  }));

it.each([
  ['says goodbye', (member: ControlPeer) => member.say({ type: 'bye' })],
  ['dies', (member: ControlPeer) => void member.socket.destroy()],
])('ends when the last one who waits for it %s, and not before', (_, leave) =>
  withScene(async (scene) => {
    const { server } = scene;
    const [first, second] = [await scene.waiting(), await scene.waiting()];
    const owner = await scene.opened;
    leave(first);
    await until('it has noticed', () => owner.others === 1);
    expect(server.did).toEqual(['start']);
    leave(second);
    await until('it ends', () => server.did.includes('stop'));
    server.down.resolve();
    // Later events of the server have no effect.
    server.up.reject(new Error('it was stopped'));
    await scene.started;
    expect(scene.accepted).not.toHaveBeenCalled();
    await second.closed;
  }),
);

it('that is stopped by force while it starts ends for the waiting members', () =>
  withScene(async (scene) => {
    const { server } = scene;
    const member = await scene.waiting();
    const asking = await ControlPeer.to(scene.place.path);
    asking.say({ type: 'stop', force: true });
    expect(await member.hear('stopping')).toMatchObject({ force: true });
    // Too late to be published.
    await server.host?.publish();
    expect(server.did).not.toContain('source');
    server.down.resolve();
    server.up.resolve();
    expect(await asking.hear('bye')).toMatchObject({ last: true });
    await scene.started;
    expect(scene.accepted).not.toHaveBeenCalled();
    expect(scene.files).toEqual([]);
  }));

it('that is deposed while it starts leaves everything to its successor', () =>
  withScene(async (scene) => {
    const { server, place, notes } = scene;
    const member = await scene.waiting();
    const owner = await scene.opened;
    const lock = `${place.path}.lock`;
    writeFileSync(`${lock}~`, '');
    renameSync(`${lock}~`, lock);
    await owner.repair();
    await member.closed;
    expect(server.did).toEqual(['start', 'let go']);
    expect(notes.told).toEqual(['lost deposed']);
    await server.host?.publish();
    server.up.resolve();
    await scene.started;
    expect(scene.accepted).not.toHaveBeenCalled();
    expect(scene.files).toEqual(['app.sock.lock']);
    unlinkSync(lock);
  }));

it('is repaired while it starts, except for files that it does not have yet', () =>
  withScene(async (scene) => {
    const { server, place, notes } = scene;
    const member = await scene.waiting();
    unlinkSync(`${place.path}.ctl`);
    await (await scene.opened).repair();
    expect(notes.told).toEqual(['healed app.sock.ctl']);
    expect(server.did).toEqual(['start']);
    const late = await ControlPeer.member(place.path);
    late.say({ type: 'bye' });
    await late.hear('bye');
    server.down.resolve();
    member.say({ type: 'bye' });
    await member.hear('bye');
    server.up.resolve();
    await scene.started;
    expect(scene.files).toEqual([]);
  }));

it('keeps its record short, with everything that exists', () =>
  withScene(async (scene) => {
    const { server, place } = scene;
    const member = await scene.waiting();
    const text = () => readFileSync(`${place.path}.lock`, 'utf8');
    const before = parseRecord(text());
    await server.host?.publish();
    // Each publication names another file, and the file before does not count any more.
    while (text().length < maxRecordBytes / 2) await server.host?.publish();
    server.host?.shortenRecord();
    const after = parseRecord(text());
    expect(text().length).toBeLessThan(1_000);
    expect(after).toMatchObject({ pid: before?.pid, start: before?.start, temporaries: [] });
    expect(after?.published.map(({ name }) => name)).toEqual(['app.sock.ctl', 'app.sock']);
    server.down.resolve();
    member.say({ type: 'bye' });
    await member.hear('bye');
    server.up.resolve();
    await scene.started;
  }));
