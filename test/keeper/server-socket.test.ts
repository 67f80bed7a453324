import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import type { Place } from '#src/files/place.js';
import { Remains } from '#src/files/remains.js';
import type { ServerHost } from '#src/keeper/server-host.js';
import { ServerSocket } from '#src/keeper/server-socket.js';
import { takeLock, withPlace } from '../helpers/place.js';

interface Scene {
  readonly place: Place;
  readonly socket: ServerSocket;
  readonly remains: Remains;
  readonly faults: unknown[];
}

function withSocket(play: (scene: Scene) => Promise<void> | void): Promise<void> {
  return withPlace(async (place) => {
    const lock = takeLock(place);
    lock.begin();
    const faults: unknown[] = [];
    const fault = (error: unknown): void => void faults.push(error);
    const remains = new Remains(fault);
    const host = { lock, remains, fault };
    const socket = new ServerSocket(place, host as unknown as ServerHost);
    try {
      await play({ place, socket, remains, faults });
    } finally {
      await socket.close();
      lock.remove();
      lock.release();
    }
  });
}

it('records its private directory before the directory exists, and removes it', () =>
  withSocket(async ({ place, socket }) => {
    expect(socket.recorded).toEqual([]);
    socket.make();
    const [name] = socket.name.split('/');
    expect(socket.recorded).toEqual([{ temporary: name }]);
    expect(readFileSync(`${place.path}.lock`, 'utf8')).toContain(`{"temporary":"${name}"}`);
    expect(lstatSync(dirname(socket.boundPath)).mode & 0o777).toBe(0o700);
    socket.make();
    expect(socket.name.split('/')[0]).toBe(name);
    await socket.close();
    expect(socket.recorded).toEqual([]);
    expect(readdirSync(place.directory.path)).toEqual(['app.sock.lock']);
  }));

it('leaves a private directory that cannot be removed to the end of the owner, and takes another one', () =>
  withSocket(async ({ place, socket, remains, faults }) => {
    socket.make();
    const [name = ''] = socket.name.split('/');
    const { directory } = place;
    directory.at = () => {
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    await socket.close();
    Reflect.deleteProperty(directory, 'at');
    expect(faults).toHaveLength(1);
    expect(remains.entries).toEqual([{ temporary: name }]);
    socket.make();
    expect(socket.recorded).toEqual([{ temporary: expect.not.stringMatching(name) }]);
    remains.remove(directory);
    expect(remains.entries).toEqual([]);
    await socket.close();
    expect(readdirSync(directory.path)).toEqual(['app.sock.lock']);
  }));

it('restores the mode of its directory, and tells it', () =>
  withSocket(({ socket, faults }) => {
    socket.keepPrivate();
    socket.make();
    const directory = dirname(socket.boundPath);
    socket.keepPrivate();
    expect(faults).toEqual([]);
    chmodSync(directory, 0o755);
    socket.keepPrivate();
    expect(lstatSync(directory).mode & 0o777).toBe(0o700);
    expect(faults).toEqual([expect.objectContaining({ message: expect.stringContaining(directory) })]);
  }));

it('holds a socket of its own for one server after the other, until the socket has lost its name', () =>
  withSocket(async ({ socket }) => {
    socket.make();
    await socket.listen();
    expect([socket.isHeld, socket.exists]).toEqual([true, true]);
    const { heldFd } = socket;
    await socket.clear();
    expect([socket.isHeld, socket.heldFd]).toEqual([true, heldFd]);
    unlinkSync(socket.boundPath);
    await socket.clear();
    expect([socket.isHeld, socket.recorded]).toEqual([false, []]);
    expect(existsSync(dirname(socket.boundPath))).toBe(false);
  }));

it('does not exist until a server has bound it', () =>
  withSocket(({ socket }) => {
    socket.make();
    expect([socket.exists, socket.isHeld, socket.queues]).toEqual([false, false, false]);
    expect(socket.listed).not.toBe(true);
  }));
