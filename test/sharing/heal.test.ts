import { once } from 'node:events';
import { lstatSync, mkdirSync, readFileSync, renameSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { EndpointLock } from '#src/files/lock.js';
import { beginRecord } from '#src/files/record.js';
import { DataListener } from '#src/sharing/data-listener.js';
import { listenerService } from '#src/sharing/handler-service.js';
import { Healer } from '#src/sharing/heal.js';
import type { Place } from '#src/sharing/settings.js';
import { Sockets } from '#src/sharing/sockets.js';
import { Notes, ownerSettings } from '../helpers/parts.js';
import { takeLock, thrownBy, withPlace } from '../helpers/place.js';

const intervalMs = 1_000;

/** A healer, and an owner that only notes what it is told. */
class Scene {
  readonly notes = new Notes();
  readonly place: Place;
  readonly sockets: Sockets;
  readonly healer: Healer;
  lock: EndpointLock;

  constructor(place: Place) {
    this.place = place;
    this.lock = takeLock(place);
    const fault = (error: unknown) => void this.notes.faults.push(error);
    const service = listenerService(new DataListener((socket) => socket.end(), 10, fault), 0, this.notes.clock);
    const control = (socket: { destroy(): unknown }) => void socket.destroy();
    this.sockets = new Sockets({ place, settings: ownerSettings(), service, control, makeRoom: () => {}, fault });
    this.healer = new Healer(place, this.notes, intervalMs, {
      lock: () => this.lock,
      sockets: this.sockets,
      recorded: () =>
        (['control', 'data'] as const).flatMap((kind) => {
          const file = this.sockets.file(kind);
          return file ? [{ published: { name: place.names[kind], file } }] : [];
        }),
      relocked: (lock) => {
        this.notes.told.push('relocked');
        this.lock.release();
        this.lock = lock;
      },
      deposed: () => void this.notes.told.push('deposed'),
      displaced: () => void this.notes.told.push('displaced'),
    });
  }

  async start(): Promise<void> {
    beginRecord(this.lock.fd);
    await this.sockets.publish(this.lock, ['control', 'data']);
  }

  end(): void {
    this.healer.stop();
    this.sockets.unlink();
    this.sockets.close();
    this.lock.remove();
    this.lock.release();
  }
}

function withHealer(play: (scene: Scene) => Promise<void>): Promise<void> {
  return withPlace(async (place) => {
    const scene = new Scene(place);
    await scene.start();
    try {
      await play(scene);
    } finally {
      scene.end();
    }
  });
}

describe('a healer', () => {
  it('looks again and again, each time after about its interval, until it is stopped', () =>
    withHealer(async ({ healer, notes, place, sockets }) => {
      healer.start();
      for (let round = 0; round < 3; round++) {
        unlinkSync(place.path);
        expect(notes.clock.timers).toBe(1);
        notes.clock.pass(intervalMs * 0.9 - 1);
        expect(sockets.settled()).toBeUndefined();
        notes.clock.pass(intervalMs * 0.2 + 1);
        await sockets.settled();
        // The next timer is set in the turn behind the check.
        await new Promise(setImmediate);
      }
      expect(notes.told).toEqual(Array(3).fill('healed app.sock'));
      healer.stop();
      expect(notes.clock.timers).toBe(0);
      unlinkSync(place.path);
      await healer.check();
      healer.start();
      expect(notes.told).toHaveLength(3);
      expect(notes.clock.timers).toBe(0);
    }));

  it('sets no timer behind a check during which it was stopped', () =>
    withHealer(async ({ healer, notes, place, sockets }) => {
      healer.start();
      unlinkSync(place.path);
      notes.clock.pass(2 * intervalMs);
      const checking = sockets.settled();
      expect(checking).toBeDefined();
      healer.stop();
      await checking;
      await new Promise(setImmediate);
      expect(notes.clock.timers).toBe(0);
    }));

  it('makes one check of those that are asked for at once', () =>
    withHealer(async ({ healer, notes, place }) => {
      unlinkSync(place.path);
      const first = healer.check();
      expect(healer.check()).toBe(first);
      await first;
      expect(notes.told).toEqual(['healed app.sock']);
    }));

  it('says nothing where nothing is missing', () =>
    withHealer(async ({ healer, notes }) => {
      await healer.check();
      expect(notes.told).toEqual([]);
    }));

  it('makes everything anew at once, and names it in the new record', () =>
    withHealer(async ({ healer, notes, place }) => {
      for (const suffix of ['', '.ctl', '.lock']) unlinkSync(place.path + suffix);
      await healer.check();
      expect(notes.told).toEqual(['relocked', 'healed app.sock.lock app.sock.ctl app.sock']);
      const record = readFileSync(`${place.path}.lock`, 'utf8');
      for (const suffix of ['', '.ctl']) expect(record).toContain(String(lstatSync(place.path + suffix).ino));
      const client = connect(place.path);
      await once(client.resume(), 'close');
    }));

  it('complains once of each foreign file, and leaves it', () =>
    withHealer(async ({ healer, notes, place }) => {
      unlinkSync(place.path);
      mkdirSync(place.path);
      await healer.check();
      await healer.check();
      expect(notes.faults).toMatchObject([{ code: 'ERR_SOCKREF_ADDRESS_IN_USE', found: 'directory' }]);
      rmdirSync(place.path);
      writeFileSync(place.path, '');
      await healer.check();
      expect(notes.faults).toHaveLength(2);
      unlinkSync(place.path);
      await healer.check();
      expect(notes.told).toEqual(['healed app.sock']);
    }));

  it('is told of another lock file in the place of ours', () =>
    withHealer(async ({ healer, notes, place }) => {
      writeFileSync(`${place.path}.new`, '', { mode: 0o600 });
      renameSync(`${place.path}.new`, `${place.path}.lock`);
      await healer.check();
      expect(notes.told).toEqual(['deposed']);
      unlinkSync(`${place.path}.lock`);
    }));

  it('reports what it cannot repair, and tries again the next time', () =>
    withHealer(async ({ healer, notes, place, sockets }) => {
      const publish = sockets.publish.bind(sockets);
      sockets.publish = () => Promise.reject(new Error('no room'));
      unlinkSync(place.path);
      await healer.check();
      expect(notes.faults).toMatchObject([{ code: 'ERR_SOCKREF_SYSTEM', cause: { message: 'no room' } }]);
      sockets.publish = publish;
      await healer.check();
      expect(notes.told).toEqual(['healed app.sock']);
    }));

  it('lets go of a new lock that it could not use', () =>
    withHealer(async (scene) => {
      const { healer, notes, place, sockets } = scene;
      const before = scene.lock;
      unlinkSync(`${place.path}.lock`);
      const file = sockets.file.bind(sockets);
      sockets.file = () => {
        throw new Error('on purpose');
      };
      await healer.check();
      expect(notes.faults).toMatchObject([{ code: 'ERR_SOCKREF_SYSTEM', cause: { message: 'on purpose' } }]);
      expect(scene.lock).toBe(before);
      // It is free: whoever takes it deposes us.
      const other = takeLock(place);
      sockets.file = file;
      await healer.check();
      expect(notes.told).toEqual(['deposed']);
      other.remove();
      other.release();
      expect(thrownBy(() => lstatSync(`${place.path}.lock`))).toMatchObject({ code: 'ENOENT' });
    }));
});
