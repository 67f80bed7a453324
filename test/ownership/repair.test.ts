import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { LockFile } from '#src/files/lock-file.js';
import type { Place } from '#src/files/place.js';
import { OwnRecord } from '#src/ownership/own-record.js';
import { Repairer } from '#src/ownership/repair.js';
import { Sockets } from '#src/ownership/sockets.js';
import { Connections } from '#src/serving/connections.js';
import { listenerServer } from '#src/serving/in-process-server.js';
import { Notes, ownerSettings } from '../helpers/parts.js';
import { takeLock, thrownBy, withPlace } from '../helpers/place.js';

const intervalMs = 1_000;

/** A repairer, and an owner that only records its calls. */
class Scene {
  readonly notes = new Notes();
  readonly place: Place;
  readonly sockets: Sockets;
  readonly record: OwnRecord;
  readonly repairer: Repairer;
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
    this.record = new OwnRecord({ lock, sockets: this.sockets, server, since: 0, fault });
    this.repairer = new Repairer({
      lock,
      sockets: this.sockets,
      ...{ settings, server, context: notes, fault },
      record: this.record,
      deposed: () => void this.notes.told.push('deposed'),
      displaced: () => void this.notes.told.push('displaced'),
    });
  }

  async start(): Promise<void> {
    this.lock.begin();
    await this.sockets.publish(['control', 'data']);
  }

  end(): void {
    this.repairer.stop();
    this.sockets.unlink();
    this.sockets.close();
    this.lock.remove();
    this.lock.release();
  }
}

function withRepairer(play: (scene: Scene) => Promise<void>): Promise<void> {
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

describe('a repairer', () => {
  it('checks regularly, each time after about its interval, until it is stopped', () =>
    withRepairer(async ({ repairer, notes, place, sockets }) => {
      repairer.start();
      for (let round = 0; round < 3; round++) {
        unlinkSync(place.path);
        expect(notes.clock.timers).toBe(1);
        notes.clock.pass(intervalMs * 0.9 - 1);
        expect(sockets.settled()).toBeUndefined();
        notes.clock.pass(intervalMs * 0.2 + 1);
        await sockets.settled();
        // The next timer is set in the turn after the check.
        await new Promise(setImmediate);
      }
      expect(notes.told).toEqual(Array(3).fill('healed app.sock'));
      repairer.stop();
      expect(notes.clock.timers).toBe(0);
      unlinkSync(place.path);
      await repairer.check();
      repairer.start();
      expect(notes.told).toHaveLength(3);
      expect(notes.clock.timers).toBe(0);
    }));

  it('sets no timer after a check during which it was stopped', () =>
    withRepairer(async ({ repairer, notes, place, sockets }) => {
      repairer.start();
      unlinkSync(place.path);
      notes.clock.pass(2 * intervalMs);
      const checking = sockets.settled();
      expect(checking).toBeDefined();
      repairer.stop();
      await checking;
      await new Promise(setImmediate);
      expect(notes.clock.timers).toBe(0);
    }));

  it('makes one check for several requests at once', () =>
    withRepairer(async ({ repairer, notes, place }) => {
      unlinkSync(place.path);
      const first = repairer.check();
      expect(repairer.check()).toBe(first);
      await first;
      expect(notes.told).toEqual(['healed app.sock']);
    }));

  it('reports nothing where nothing is missing', () =>
    withRepairer(async ({ repairer, notes }) => {
      await repairer.check();
      expect(notes.told).toEqual([]);
    }));

  it('makes everything again at once, and names it in the new record', () =>
    withRepairer(async ({ repairer, notes, place }) => {
      for (const suffix of ['', '.ctl', '.lock']) unlinkSync(place.path + suffix);
      await repairer.check();
      expect(notes.told).toEqual(['healed app.sock.lock app.sock.ctl app.sock']);
      const record = readFileSync(`${place.path}.lock`, 'utf8');
      for (const suffix of ['', '.ctl']) expect(record).toContain(String(lstatSync(place.path + suffix).ino));
      const client = connect(place.path);
      await once(client.resume(), 'close');
    }));

  it('reports each foreign file once, and leaves it', () =>
    withRepairer(async ({ repairer, notes, place }) => {
      unlinkSync(place.path);
      mkdirSync(place.path);
      await repairer.check();
      await repairer.check();
      expect(notes.faults).toMatchObject([{ code: 'ERR_SOCKREF_ADDRESS_IN_USE', found: 'directory' }]);
      rmdirSync(place.path);
      writeFileSync(place.path, '');
      await repairer.check();
      expect(notes.faults).toHaveLength(2);
      unlinkSync(place.path);
      await repairer.check();
      expect(notes.told).toEqual(['healed app.sock']);
    }));

  it('finds another lock file in the place of ours', () =>
    withRepairer(async ({ repairer, notes, place }) => {
      writeFileSync(`${place.path}.new`, '', { mode: 0o600 });
      renameSync(`${place.path}.new`, `${place.path}.lock`);
      await repairer.check();
      expect(notes.told).toEqual(['deposed']);
      unlinkSync(`${place.path}.lock`);
    }));

  it('reports what it cannot repair, and tries again the next time', () =>
    withRepairer(async ({ repairer, notes, place, sockets }) => {
      const publish = sockets.publish.bind(sockets);
      sockets.publish = () => Promise.reject(new Error('no room'));
      unlinkSync(place.path);
      await repairer.check();
      expect(notes.faults).toMatchObject([{ code: 'ERR_SOCKREF_SYSTEM', cause: { message: 'no room' } }]);
      sockets.publish = publish;
      await repairer.check();
      expect(notes.told).toEqual(['healed app.sock']);
    }));

  it('restores changed modes, and reports them', () =>
    withRepairer(async ({ repairer, notes, place }) => {
      for (const suffix of ['', '.ctl', '.lock']) chmodSync(place.path + suffix, 0o666);
      await repairer.check();
      for (const suffix of ['', '.ctl', '.lock']) expect(lstatSync(place.path + suffix).mode & 0o7777).toBe(0o600);
      expect(notes.faults.map(String).sort()).toEqual(
        ['', '.ctl', '.lock'].map((suffix) =>
          expect.stringContaining(`The mode of "${place.path}${suffix}" was changed to 0666, and was set back to 0600`),
        ),
      );
      await repairer.check();
      expect(notes.faults).toHaveLength(3);
      expect(notes.told).toEqual([]);
    }));

  it.each([
    ['emptied', (at: string) => truncateSync(at)],
    ['cut off', (at: string) => truncateSync(at, 20)],
    ['extended', (at: string) => appendFileSync(at, '{"temporary":"x"}\n')],
  ])('writes a record again that another program has %s, and reports it', (_, change) =>
    withRepairer(async ({ repairer, notes, place, lock }) => {
      const before = lock.record();
      expect(before?.published).toHaveLength(2);
      change(`${place.path}.lock`);
      await repairer.check();
      await repairer.check();
      expect(lock.record()).toMatchObject({ ...before, since: 0, temporaries: [] });
      expect(notes.faults.map(String)).toEqual([
        expect.stringContaining(
          `The record in "${place.path}.lock" was changed by another program, and was written again`,
        ),
      ]);
      expect(notes.told).toEqual([]);
    }),
  );

  it('does not write a record again while something is published that it does not know yet', () =>
    withRepairer(async ({ place, lock, sockets, record }) => {
      unlinkSync(place.path);
      const publishing = sockets.publish(['data']);
      appendFileSync(`${place.path}.lock`, '{"temporary":"x"}\n');
      expect(record.restore()).toBe(false);
      // The private directory of this publishing.
      expect(lock.record()?.temporaries.filter((name) => name.startsWith('.sr-'))).not.toEqual([]);
      await publishing;
      expect(record.restore()).toBe(true);
      expect(lock.record()?.temporaries).toEqual([]);
    }));

  it('adds to a record that was emptied without hiding that', () =>
    withRepairer(async ({ repairer, notes, place, lock }) => {
      truncateSync(`${place.path}.lock`);
      lock.append({ stopping: true });
      await repairer.check();
      expect(notes.faults).toHaveLength(1);
      expect(lock.record()?.published).toHaveLength(2);
    }));

  it('leaves the mode of a foreign file in the place of a socket alone', () =>
    withRepairer(async ({ repairer, place }) => {
      unlinkSync(place.path);
      writeFileSync(place.path, '', { mode: 0o644 });
      await repairer.check();
      expect(lstatSync(place.path).mode & 0o777).toBe(0o644);
      unlinkSync(place.path);
      await repairer.check();
    }));

  it('repairs the rest when one file cannot be repaired', () =>
    withRepairer(async ({ repairer, notes, place, sockets }) => {
      const modeOf = sockets.modeOf.bind(sockets);
      sockets.modeOf = () => {
        throw new Error('on purpose');
      };
      unlinkSync(place.path);
      await repairer.check();
      // Publishing asks for the mode, too.
      expect(notes.faults).toMatchObject([{ cause: { message: 'on purpose' } }, { cause: { message: 'on purpose' } }]);
      sockets.modeOf = modeOf;
      chmodSync(`${place.path}.ctl`, 0o666);
      await repairer.check();
      expect(notes.told).toEqual(['healed app.sock']);
      expect(lstatSync(`${place.path}.ctl`).mode & 0o777).toBe(0o600);
    }));

  describe('whose new lock file cannot get its record', () => {
    /** A scene in which a record cannot be begun until `allow` is called. */
    const withoutRecord = (play: (scene: Scene, allow: () => void) => Promise<void>): Promise<void> =>
      withRepairer(async (scene) => {
        const { sockets } = scene;
        const file = sockets.file.bind(sockets);
        sockets.file = () => {
          throw new Error('on purpose');
        };
        await play(scene, () => {
          sockets.file = file;
        });
      });

    it('leaves no empty lock file, and is still the owner: the next check repairs it', () =>
      withoutRecord(async (scene, allow) => {
        const { repairer, notes, place } = scene;
        const { fd } = scene.lock;
        unlinkSync(`${place.path}.lock`);
        await repairer.check();
        expect(notes.faults).toMatchObject([{ code: 'ERR_SOCKREF_SYSTEM', cause: { message: 'on purpose' } }]);
        expect(thrownBy(() => lstatSync(`${place.path}.lock`))).toMatchObject({ code: 'ENOENT' });
        expect(scene.lock.fd).toBe(fd);
        expect(scene.lock.isOpen()).toBe(true);
        allow();
        await repairer.check();
        expect(notes.told).toEqual(['healed app.sock.lock']);
        expect(scene.lock.check()).toBe('linked');
      }));

    it("does not take the file for a rival's if the file could not be removed", () =>
      withoutRecord(async (scene, allow) => {
        const { repairer, notes, place } = scene;
        unlinkSync(`${place.path}.lock`);
        const remove = vi.spyOn(LockFile.prototype, 'remove').mockImplementation(() => {
          throw new Error('no unlink');
        });
        await repairer.check();
        remove.mockRestore();
        expect(notes.faults).toMatchObject([{ cause: { message: 'no unlink' } }, { cause: { message: 'on purpose' } }]);
        expect(lstatSync(`${place.path}.lock`).size).toBe(0);
        allow();
        await repairer.check();
        expect(notes.told).toEqual(['healed app.sock.lock']);
      }));

    it('is deposed if another process has taken the lock meanwhile', () =>
      withoutRecord(async ({ repairer, notes, place }, allow) => {
        unlinkSync(`${place.path}.lock`);
        await repairer.check();
        const other = takeLock(place);
        allow();
        await repairer.check();
        expect(notes.told).toEqual(['deposed']);
        other.remove();
      }));
  });

  it('is still the owner when it cannot remove what an owner in between left, and keeps the record of that', () =>
    withRepairer(async (scene) => {
      const { repairer, notes, place } = scene;
      unlinkSync(`${place.path}.lock`);
      const between = takeLock(place);
      const left = '.sr-0123456789abcdef';
      between.begin({ temporary: left });
      mkdirSync(join(place.directory.path, left));
      between.release();
      // As if our own file had been lost later: a lock file that exists from the beginning would be a rival's.
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
      await repairer.check();
      attempt.mockRestore();
      expect(notes.faults).toMatchObject([{ errno: 'EIO' }]);
      expect(readFileSync(`${place.path}.lock`, 'utf8')).toContain(left);
      expect(notes.told).toEqual([]);
      Reflect.deleteProperty(place.directory, 'at');
      await repairer.check();
      expect(notes.told).toEqual(['healed app.sock.lock']);
      expect(existsSync(join(place.directory.path, left))).toBe(false);
    }));
});
