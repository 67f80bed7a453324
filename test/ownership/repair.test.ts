import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { LockFile } from '#src/files/lock-file.js';
import type { Place } from '#src/files/place.js';
import { Repairer } from '#src/ownership/repair.js';
import { Sockets } from '#src/ownership/sockets.js';
import { Connections } from '#src/serving/connections.js';
import { listenerServer } from '#src/serving/in-process-server.js';
import { Notes, ownerSettings } from '../helpers/parts.js';
import { takeLock, thrownBy, withPlace } from '../helpers/place.js';

const intervalMs = 1_000;

/** A healer, and an owner that only notes what it is told. */
class Scene {
  readonly notes = new Notes();
  readonly place: Place;
  readonly sockets: Sockets;
  readonly healer: Repairer;
  readonly lock: LockFile;

  constructor(place: Place) {
    this.place = place;
    this.lock = takeLock(place);
    const fault = (error: unknown) => void this.notes.faults.push(error);
    const { lock, notes } = this;
    const settings = ownerSettings({ healIntervalMs: intervalMs });
    const server = listenerServer(new Connections((socket) => socket.end(), 10, notes, place.path), 0, notes.clock);
    const members = { accept: (socket: { destroy(): unknown }) => void socket.destroy(), makeRoom: () => {} };
    this.sockets = new Sockets({ lock, settings, server, members, fault });
    this.healer = new Repairer({
      lock,
      sockets: this.sockets,
      ...{ settings, server, context: notes, fault },
      record: {
        entries: () =>
          (['control', 'data'] as const).flatMap((kind) => {
            const file = this.sockets.file(kind);
            return file ? [{ published: { name: place.names[kind], file } }] : [];
          }),
      },
      deposed: () => void this.notes.told.push('deposed'),
      displaced: () => void this.notes.told.push('displaced'),
    });
  }

  async start(): Promise<void> {
    this.lock.begin();
    await this.sockets.publish(['control', 'data']);
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
      expect(notes.told).toEqual(['healed app.sock.lock app.sock.ctl app.sock']);
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

  it('sets back the modes that somebody has changed, and tells', () =>
    withHealer(async ({ healer, notes, place }) => {
      for (const suffix of ['', '.ctl', '.lock']) chmodSync(place.path + suffix, 0o666);
      await healer.check();
      for (const suffix of ['', '.ctl', '.lock']) expect(lstatSync(place.path + suffix).mode & 0o7777).toBe(0o600);
      expect(notes.faults.map(String).sort()).toEqual(
        ['', '.ctl', '.lock'].map((suffix) =>
          expect.stringContaining(`The mode of "${place.path}${suffix}" was changed to 0666, and was set back to 0600`),
        ),
      );
      await healer.check();
      expect(notes.faults).toHaveLength(3);
      expect(notes.told).toEqual([]);
    }));

  it('leaves the mode of a foreign file in the place of a socket alone', () =>
    withHealer(async ({ healer, place }) => {
      unlinkSync(place.path);
      writeFileSync(place.path, '', { mode: 0o644 });
      await healer.check();
      expect(lstatSync(place.path).mode & 0o777).toBe(0o644);
      unlinkSync(place.path);
      await healer.check();
    }));

  it('looks after the rest when one thing cannot be repaired', () =>
    withHealer(async ({ healer, notes, place, sockets }) => {
      const modeOf = sockets.modeOf.bind(sockets);
      sockets.modeOf = () => {
        throw new Error('on purpose');
      };
      unlinkSync(place.path);
      await healer.check();
      // The mode is asked for to publish, too.
      expect(notes.faults).toMatchObject([{ cause: { message: 'on purpose' } }, { cause: { message: 'on purpose' } }]);
      sockets.modeOf = modeOf;
      chmodSync(`${place.path}.ctl`, 0o666);
      await healer.check();
      expect(notes.told).toEqual(['healed app.sock']);
      expect(lstatSync(`${place.path}.ctl`).mode & 0o777).toBe(0o600);
    }));

  describe('whose new lock file cannot get its record', () => {
    /** A scene in which a record cannot be begun until `mend` is called. */
    const withoutRecord = (play: (scene: Scene, mend: () => void) => Promise<void>): Promise<void> =>
      withHealer(async (scene) => {
        const { sockets } = scene;
        const file = sockets.file.bind(sockets);
        sockets.file = () => {
          throw new Error('on purpose');
        };
        await play(scene, () => {
          sockets.file = file;
        });
      });

    it('leaves no empty lock file, and is owner still: the next look repairs it', () =>
      withoutRecord(async (scene, mend) => {
        const { healer, notes, place } = scene;
        const { fd } = scene.lock;
        unlinkSync(`${place.path}.lock`);
        await healer.check();
        expect(notes.faults).toMatchObject([{ code: 'ERR_SOCKREF_SYSTEM', cause: { message: 'on purpose' } }]);
        expect(thrownBy(() => lstatSync(`${place.path}.lock`))).toMatchObject({ code: 'ENOENT' });
        expect(scene.lock.fd).toBe(fd);
        expect(scene.lock.isOpen()).toBe(true);
        mend();
        await healer.check();
        expect(notes.told).toEqual(['healed app.sock.lock']);
        expect(scene.lock.check()).toBe('linked');
      }));

    it("does not take the file for a rival's if it could not even be removed", () =>
      withoutRecord(async (scene, mend) => {
        const { healer, notes, place } = scene;
        unlinkSync(`${place.path}.lock`);
        const remove = vi.spyOn(LockFile.prototype, 'remove').mockImplementation(() => {
          throw new Error('no unlink');
        });
        await healer.check();
        remove.mockRestore();
        expect(notes.faults).toMatchObject([{ cause: { message: 'no unlink' } }, { cause: { message: 'on purpose' } }]);
        expect(lstatSync(`${place.path}.lock`).size).toBe(0);
        mend();
        await healer.check();
        expect(notes.told).toEqual(['healed app.sock.lock']);
      }));

    it('gives way to somebody who has taken the lock meanwhile', () =>
      withoutRecord(async ({ healer, notes, place }, mend) => {
        unlinkSync(`${place.path}.lock`);
        await healer.check();
        const other = takeLock(place);
        mend();
        await healer.check();
        expect(notes.told).toEqual(['deposed']);
        other.remove();
      }));
  });

  it('is owner still when it cannot remove what an owner in between has left, and keeps the record of that', () =>
    withHealer(async (scene) => {
      const { healer, notes, place } = scene;
      unlinkSync(`${place.path}.lock`);
      const between = takeLock(place);
      const left = '.sr-0123456789abcdef';
      between.begin({ temporary: left });
      mkdirSync(join(place.directory.path, left));
      between.release();
      // As if our own had been lost after it: a lock file that is there from the beginning would be a rival's.
      renameSync(`${place.path}.lock`, `${place.path}.aside`);
      const attempt = vi.spyOn(LockFile, 'attempt').mockImplementationOnce((...args) => {
        renameSync(`${place.path}.aside`, `${place.path}.lock`);
        return LockFile.attempt(...args);
      });
      const at = place.directory.at.bind(place.directory);
      place.directory.at = (name) => {
        if (name === left) throw Object.assign(new Error('EIO'), { code: 'EIO' });
        return at(name);
      };
      await healer.check();
      attempt.mockRestore();
      expect(notes.faults).toMatchObject([{ errno: 'EIO' }]);
      expect(readFileSync(`${place.path}.lock`, 'utf8')).toContain(left);
      expect(notes.told).toEqual([]);
      Reflect.deleteProperty(place.directory, 'at');
      await healer.check();
      expect(notes.told).toEqual(['healed app.sock.lock']);
      expect(existsSync(join(place.directory.path, left))).toBe(false);
    }));
});
