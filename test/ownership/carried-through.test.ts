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

// What fails in the middle of a change of state: the change is carried through, and what is left is found by its record.

/** An owner in a directory of which the test says what can be removed. */
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
      // The last one has its name: what follows is the removal of the private ones.
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

/** Plays with a scene, in a directory that must end empty. */
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
  it('is told, and goes with the end at the latest', () =>
    withScene(async (scene) => {
      scene.refusing = 'once published';
      const owner = await scene.start();
      expect(scene.left).toHaveLength(1);
      expect(scene.notes.faults).toMatchObject([{ errno: 'EIO' }]);
      scene.refusing = 'never';
      await owner.abandon();
      expect(scene.files).toEqual([]);
    }));

  it('goes with the next look of the owner, once it can', () =>
    withScene(async (scene) => {
      scene.refusing = 'once published';
      const owner = await scene.start();
      await owner.repair();
      expect(scene.left).toHaveLength(1);
      scene.refusing = 'never';
      await owner.repair();
      expect(scene.left).toEqual([]);
      // Told once.
      expect(scene.notes.faults).toHaveLength(1);
      await owner.abandon();
    }));

  it('is named in a record that had to be written again', () =>
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

describe('a lock that cannot be let go of in the ordinary way', () => {
  const failing = (): { restore(): void } => {
    const { release } = LockFile.prototype;
    const spy = vi.spyOn(LockFile.prototype, 'release').mockImplementation(function (this: LockFile) {
      release.call(this);
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    });
    return { restore: () => spy.mockRestore() };
  };

  it('keeps no end from being told to everybody', () =>
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

  it('keeps no owner that was deposed from telling its references to go elsewhere', () =>
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

  it('leaves an owner with its new lock when it was the old one', () =>
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
      // A look that found the old lock still in use would have made the file again, or given way to it.
      expect(scene.notes.told).toEqual(['stopping']);
      expect(scene.files).toEqual([]);
    }));
});

describe('an owner whose directory was replaced', () => {
  it('ends once, and a failure of that is told by its end alone', () =>
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
        // To wait for it would be to hear it.
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
