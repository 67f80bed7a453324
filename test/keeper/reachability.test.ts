import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Identity, identityOf, lstatIfThere } from '#src/files/identity.js';
import type { Journal } from '#src/keeper/journal.js';
import { Reachability } from '#src/keeper/reachability.js';
import type { ServerHost } from '#src/keeper/server-host.js';
import type { ServerSocket } from '#src/keeper/server-socket.js';
import { FakeClock } from '../helpers/fake-clock.js';
import { withPlace } from '../helpers/place.js';

interface Scene {
  /** What it told its host and the journal, in order. */
  readonly told: string[];
  readonly clock: FakeClock;
  readonly reachability: Reachability;
  /** Replaces the server's socket, as a program that restarts its server does. */
  readonly another: () => Promise<void>;
  /** The server closes its socket, without another one. */
  readonly close: () => Promise<void>;
  readonly look: () => Promise<boolean>;
  /** What the kernel says of the server's socket. */
  readonly kernel: { listed: boolean | undefined };
}

function withServer(play: (scene: Scene) => Promise<void>, { held = false } = {}): Promise<void> {
  return withPlace(async (place) => {
    const folder = join(place.directory.path, 'private');
    mkdirSync(folder);
    const own = join(folder, 'app.sock');
    const listen = async (): Promise<Server> => {
      const listening = createServer((socket) => socket.destroy()).listen(own);
      await once(listening, 'listening');
      return listening;
    };
    let server = await listen();
    const close = async (): Promise<void> => {
      server.close();
      await once(server, 'close');
    };
    const identity = (): Identity | undefined => {
      const stats = lstatIfThere(own);
      return stats && identityOf(stats);
    };
    let published = identity();
    const told: string[] = [];
    const kernel: Scene['kernel'] = { listed: undefined };
    const clock = new FakeClock();
    const host: Partial<ServerHost> = {
      shortenRecord: () => void told.push('shorten the record'),
      publish: async () => {
        told.push('publish');
        published = identity();
        return true;
      },
      repair: async () => void told.push('repair'),
      ready: () => void told.push('ready'),
      fault: () => void told.push('fault'),
    };
    const socket = {
      name: 'private/app.sock',
      isHeld: held,
      get listed() {
        return kernel.listed;
      },
    };
    const journal = { warn: () => told.push('warn'), info: () => told.push('info') };
    const reachability = new Reachability({
      place,
      clock,
      journal: journal as unknown as Journal,
      host: host as ServerHost,
      socket: socket as ServerSocket,
      pid: 1,
    });
    const another = async (): Promise<void> => {
      // The close of a server removes the name of its socket, even if that leads to another one by then.
      if (server.listening) await close();
      server = await listen();
    };
    try {
      await play({ told, clock, reachability, another, close, look: () => reachability.look(published), kernel });
    } finally {
      server.close();
      rmSync(folder, { recursive: true });
    }
  });
}

it('finds nothing to do while the published socket is the server’s', () =>
  withServer(async ({ told, reachability, look, clock }) => {
    expect(await look()).toBe(false);
    expect([told, reachability.problem, clock.timers]).toEqual([[], undefined, 0]);
  }));

it('publishes another socket of the server', () =>
  withServer(async ({ told, another, look }) => {
    await another();
    expect(await look()).toBe(true);
    expect(told).toEqual(['shorten the record', 'publish']);
    expect(await look()).toBe(false);
  }));

it('tells once that clients cannot connect, looks again soon, and tells when they can', () =>
  withServer(async ({ told, reachability, another, close, look, clock }) => {
    await close();
    expect(await look()).toBe(false);
    expect(await look()).toBe(false);
    expect(told).toEqual(['warn', 'fault']);
    expect(reachability.problem).toContain('socket');
    clock.pass(200);
    expect(told.splice(0)).toEqual(['warn', 'fault', 'repair']);
    await another();
    expect(await look()).toBe(true);
    expect(told).toEqual(['shorten the record', 'publish', 'info', 'ready']);
    expect([reachability.problem, clock.timers]).toEqual([undefined, 0]);
  }));

it('looks at no socket that is held', () =>
  withServer(
    async ({ told, close, look }) => {
      await close();
      expect(await look()).toBe(false);
      expect(told).toEqual([]);
    },
    { held: true },
  ));

it('tells and does nothing after its end', () =>
  withServer(async ({ told, reachability, close, look, clock }) => {
    await close();
    const looking = look();
    reachability.end();
    expect(await looking).toBe(false);
    expect([told, clock.timers]).toEqual([[], 0]);
  }));

it('takes a server that listens without its name for unreachable after a second', () =>
  withServer(async ({ told, reachability, clock }) => {
    expect(reachability.lacksName()).toBe(false);
    clock.pass(999);
    expect(reachability.lacksName()).toBe(false);
    reachability.hasName();
    expect(reachability.lacksName()).toBe(false);
    clock.pass(1_000);
    expect(told).toEqual(['repair', 'repair']);
    expect(reachability.lacksName()).toBe(true);
  }));

it('waits for a server that has closed its socket and may listen again', () =>
  withServer(async ({ reachability, clock, close, look }) => {
    await close();
    await look();
    expect(reachability.lacksName()).toBe(false);
    clock.pass(5_000);
    expect(reachability.lacksName()).toBe(false);
  }));
