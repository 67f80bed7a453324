import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { deferred } from '#src/deferred.js';
import { LockFile } from '#src/files/lock-file.js';
import type { Place } from '#src/files/place.js';
import { Owner } from '#src/ownership/owner.js';
import { removeLeftovers } from '#src/ownership/remove-leftovers.js';
import { Connections } from '#src/serving/connections.js';
import { listenerServer } from '#src/serving/in-process-server.js';
import { ControlPeer } from '../helpers/control-peer.js';
import { Notes, ownerSettings } from '../helpers/parts.js';
import { takeLock, withPlace } from '../helpers/place.js';
import { greet } from '../helpers/serve.js';
import { until } from '../helpers/until.js';

// A step fails in the middle of a change of state: the other steps are taken, and the record names what is left.

/** An owner in a directory. The test says which of its files can be removed. */
class Scene {
  readonly notes = new Notes();
  readonly place: Place;
  /** Whether the system refuses to remove private directories. */
  refusing: 'never' | 'once published' | 'always' = 'never';

  constructor(place: Place) {
    this.place = place;
  }

  async start(): Promise<Owner> {
    const { notes, place } = this;
    const { directory } = place;
    const at = directory.at.bind(directory);
    directory.at = (name) => {
      if (this.refusing === 'always' && name.startsWith('.sr-')) throw Object.assign(new Error('EIO'), { code: 'EIO' });
      // The last socket has its name. The removal of the private names follows.
      if (this.refusing === 'once published' && name === place.names.data) this.refusing = 'always';
      return at(name);
    };
    const server = listenerServer(new Connections(greet, 10, notes, place.path), 0, notes.clock);
    const { events } = notes;
    const started = deferred<Owner>();
    await Owner.start(
      {
        ...{ server, lock: takeLock(place), settings: ownerSettings(), references: 1, awaitedDependents: 0 },
        ...{ context: notes, events },
      },
      started.resolve,
    );
    return started.promise;
  }

  get files(): string[] {
    return readdirSync(this.place.directory.path).sort();
  }

  get left(): string[] {
    return this.files.filter((name) => name.startsWith('.sr-'));
  }
}

/** Runs a test with a scene, in a directory that must be empty at the end. */
function withScene(play: (scene: Scene) => Promise<void>): Promise<void> {
  return withPlace(async (place) => {
    try {
      await play(new Scene(place));
    } finally {
      Reflect.deleteProperty(place.directory, 'at');
    }
  });
}

describe('a private directory that cannot be removed when its sockets are published', () => {
  it('is reported, and is removed at the end at the latest', () =>
    withScene(async (scene) => {
      scene.refusing = 'once published';
      const owner = await scene.start();
      expect(scene.left).toHaveLength(1);
      expect(scene.notes.faults).toMatchObject([{ errno: 'EIO' }]);
      scene.refusing = 'never';
      await owner.abandon();
      expect(scene.files).toEqual([]);
    }));

  it('is removed at the next check of the owner, once that is possible', () =>
    withScene(async (scene) => {
      scene.refusing = 'once published';
      const owner = await scene.start();
      await owner.repair();
      expect(scene.left).toHaveLength(1);
      scene.refusing = 'never';
      await owner.repair();
      expect(scene.left).toEqual([]);
      // Reported once.
      expect(scene.notes.faults).toHaveLength(1);
      await owner.abandon();
    }));

  it('is named in a new record, too', () =>
    withScene(async (scene) => {
      scene.refusing = 'once published';
      const owner = await scene.start();
      unlinkSync(`${scene.place.path}.lock`);
      await owner.repair();
      expect(readFileSync(`${scene.place.path}.lock`, 'utf8')).toContain(scene.left[0]);
      scene.refusing = 'never';
      await owner.abandon();
    }));

  it('keeps the lock file with its record if the end cannot remove it either: the next owner does', () =>
    withScene(async (scene) => {
      scene.refusing = 'once published';
      const owner = await scene.start();
      await expect(owner.abandon()).rejects.toMatchObject({ errno: 'EIO' });
      expect(scene.files).toEqual([...scene.left, 'app.sock.lock']);
      expect(readFileSync(`${scene.place.path}.lock`, 'utf8')).toContain(scene.left[0]);
      scene.refusing = 'never';
      await removeLeftovers(scene.place, process.pid);
      expect(scene.files).toEqual([]);
    }));
});

describe('a lock that cannot be released in the ordinary way', () => {
  const failing = (): { restore(): void } => {
    const { release } = LockFile.prototype;
    const spy = vi.spyOn(LockFile.prototype, 'release').mockImplementation(function (this: LockFile) {
      release.call(this);
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    });
    return { restore: () => spy.mockRestore() };
  };

  it('does not prevent an end from being reported to all members', () =>
    withScene(async (scene) => {
      const owner = await scene.start();
      const member = await ControlPeer.member(scene.place.path);
      await member.hear('welcome');
      const lock = failing();
      try {
        owner.end();
        await expect(scene.notes.done).rejects.toMatchObject({ errno: 'EIO' });
      } finally {
        lock.restore();
      }
      await member.closed;
      expect(scene.notes.told).toEqual(['ended', 'stopping']);
      expect(scene.files).toEqual([]);
    }));

  it('does not prevent the references of a deposed owner from moving to the new owner', () =>
    withScene(async (scene) => {
      const owner = await scene.start();
      unlinkSync(`${scene.place.path}.lock`);
      writeFileSync(`${scene.place.path}.lock`, '', { mode: 0o600 });
      const lock = failing();
      try {
        await owner.repair();
      } finally {
        lock.restore();
      }
      expect(scene.notes.told).toEqual(['lost deposed']);
      expect(scene.notes.faults).toMatchObject([{ errno: 'EIO' }]);
      expect(scene.files).toEqual(['app.sock.lock']);
      unlinkSync(`${scene.place.path}.lock`);
    }));

  it('leaves the owner its new lock, if it is the old lock', () =>
    withScene(async (scene) => {
      const owner = await scene.start();
      unlinkSync(`${scene.place.path}.lock`);
      const lock = failing();
      try {
        await owner.repair();
      } finally {
        lock.restore();
      }
      await owner.repair();
      await owner.abandon();
      // A check that used the old lock would make the file again, or depose the owner.
      expect(scene.notes.told).toEqual(['stopping']);
      expect(scene.files).toEqual([]);
    }));
});

describe('an owner whose directory was replaced', () => {
  it('ends once, and only its end reports a failure', () =>
    withScene(async (scene) => {
      scene.refusing = 'once published';
      const owner = await scene.start();
      const { notes, place } = scene;
      const unheard: unknown[] = [];
      const listener = (reason: unknown): void => void unheard.push(reason);
      process.on('unhandledRejection', listener);
      place.directory.isInPlace = () => false;
      try {
        await owner.repair();
        // Waiting for it would handle the failure.
        await until('its end has failed', () => inspect(notes.done).includes('<rejected>'));
        await turn();
      } finally {
        process.off('unhandledRejection', listener);
        Reflect.deleteProperty(place.directory, 'isInPlace');
      }
      expect(unheard).toEqual([]);
      await expect(notes.done).rejects.toMatchObject({ errno: 'EIO' });
      expect(notes.told).toEqual(['ended', 'stopping']);
      expect(notes.reasons).toMatchObject([{ message: expect.stringContaining('directory') }]);
      scene.refusing = 'never';
      await removeLeftovers(place, process.pid);
      expect(scene.files).toEqual([]);
    }));
});
