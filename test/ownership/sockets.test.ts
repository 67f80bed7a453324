import { once } from 'node:events';
import { existsSync, lstatSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import { systemClock } from '#src/clock.js';
import type { Place } from '#src/files/place.js';
import { Sockets } from '#src/ownership/sockets.js';
import { Connections } from '#src/serving/connections.js';
import { listenerServer } from '#src/serving/in-process-server.js';
import { keeping, Notes, ownerSettings } from '../helpers/parts.js';
import { takeLock, withPlace } from '../helpers/place.js';
import { greet, greeting, readAll } from '../helpers/serve.js';

interface Scene {
  readonly place: Place;
  readonly sockets: Sockets;
  readonly servers: Server[];
  readonly faults: unknown[];
}

function withSockets(play: (scene: Scene) => Promise<void>): Promise<void> {
  return withPlace(async (place) => {
    const lock = takeLock(place);
    lock.begin();
    const servers: Server[] = [];
    const notes = new Notes();
    const { faults } = notes;
    const fault = (error: unknown) => void faults.push(error);
    class Data extends Connections {
      override createServer(): Server {
        const server = super.createServer();
        servers.push(server);
        return server;
      }
    }
    const server = listenerServer(new Data(greet, 10, notes, place.path), 0, systemClock);
    const settings = ownerSettings({ mode: 0o640, maxMembers: 3 });
    const members = { accept: (socket: Parameters<typeof greet>[0]) => void socket.end('control'), makeRoom: () => {} };
    const sockets = new Sockets({ lock, settings, server, members, fault });
    try {
      await play({ place, sockets, servers, faults });
    } finally {
      sockets.unlink();
      sockets.close();
      lock.remove();
      lock.release();
    }
  });
}

const modeOf = (path: string): number => lstatSync(path).mode & 0o777;

describe('the sockets of an owner', () => {
  it('exist with their modes, and lead to the server', () =>
    withSockets(async ({ place, sockets }) => {
      expect(sockets.file('data')).toBeUndefined();
      await sockets.publish(['control', 'data']);
      expect(modeOf(place.path)).toBe(0o640);
      expect(modeOf(`${place.path}.ctl`)).toBe(0o600);
      expect(await readAll(connect(place.path))).toBe(greeting);
      expect(await readAll(connect(`${place.path}.ctl`))).toBe('control');
      expect(sockets.published).toEqual([sockets.file('control'), sockets.file('data')]);
    }));

  it('of a repair take the place of the old ones, which first accept the clients in their queue', () =>
    withSockets(async ({ place, sockets, servers }) => {
      await sockets.publish(['control', 'data']);
      const [old] = servers as [Server];
      const before = sockets.file('data');
      const early = connect(place.path);
      unlinkSync(place.path);
      const closed = once(old, 'close');
      await sockets.publish(['data']);
      expect(await readAll(early)).toBe(greeting);
      await closed;
      expect(sockets.file('data')).not.toEqual(before);
      expect(sockets.published).toHaveLength(3);
      expect(await readAll(connect(place.path))).toBe(greeting);
    }));

  it('are unlinked only if the name still leads to them', () =>
    withSockets(async ({ place, sockets }) => {
      await sockets.publish(['control', 'data']);
      unlinkSync(place.path);
      writeFileSync(place.path, 'another program');
      sockets.unlink();
      sockets.unlink();
      expect(readdirSync(place.directory.path).sort()).toEqual(['app.sock', 'app.sock.lock']);
      unlinkSync(place.path);
    }));

  it('accept no connection once they are closed, even several times', () =>
    withSockets(async ({ place, sockets }) => {
      await sockets.publish(['control', 'data']);
      sockets.close();
      sockets.close();
      expect(existsSync(place.path)).toBe(true);
      const [error] = await once(connect(place.path), 'error');
      expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    }));

  it('keep the process alive or not, also those of a later repair', () =>
    withSockets(async ({ place, sockets, servers }) => {
      const before = keeping('PipeWrap');
      await sockets.publish(['control', 'data']);
      expect(keeping('PipeWrap')).toBe(before + 2);
      sockets.keepAlive(false);
      expect(keeping('PipeWrap')).toBe(before);
      unlinkSync(place.path);
      const closed = once(servers[0] as Server, 'close');
      await sockets.publish(['data']);
      await closed;
      expect(keeping('PipeWrap')).toBe(before);
      sockets.keepAlive(true);
      expect(keeping('PipeWrap')).toBe(before + 2);
    }));

  it('report failures while they listen', () =>
    withSockets(async ({ sockets, servers, faults }) => {
      await sockets.publish(['control', 'data']);
      const failure = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE', syscall: 'accept' });
      servers[0]?.emit('error', failure);
      expect(faults).toMatchObject([{ code: 'ERR_SOCKREF_LIMIT_EXCEEDED', errno: 'EMFILE', cause: failure }]);
    }));
});
