import { once } from 'node:events';
import fs, { readdirSync } from 'node:fs';
import { createServer as createHttpServer, get } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { SocketManager, type SocketReference } from 'sockref';
import { describe, expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { readAll } from '../helpers/serve.js';
import { until } from '../helpers/until.js';

interface Served {
  readonly reference: SocketReference;
  readonly manager: SocketManager;
  readonly faults: unknown[];
}

function withServed(server: Server, test: (served: Served) => Promise<void>): Promise<void> {
  return withDirectory(async (directory) => {
    await using manager = new SocketManager();
    const faults: unknown[] = [];
    manager.on('fault', ({ error }) => faults.push(error));
    const reference = await manager.acquire(join(directory, 'a.sock'), { serve: server });
    await test({ reference, manager, faults });
  });
}

/** With a shared key no certificates are needed. */
const key = { psk: Buffer.alloc(32, 7), identity: 'test' };
const psk = { ciphers: 'PSK', maxVersion: 'TLSv1.2', pskCallback: () => key.psk } as const;
const client: ConnectionOptions = {
  ...psk,
  pskCallback: () => ({ ...key }),
  checkServerIdentity: () => undefined,
};

describe('maxConnections of a server that serves a socket', () => {
  it.each([
    ['net', () => createServer((socket) => socket.write('hello'))],
    ['http', () => createHttpServer().on('connection', (socket) => socket.write('hello'))],
    ['https', () => createHttpsServer(psk).on('connection', (socket) => socket.write('hello'))],
  ])('drops what is beyond it, and tells the server: %s', (_, create) => {
    const server = create();
    let dropped = 0;
    server.on('drop', () => dropped++);
    server.maxConnections = 1;
    return withServed(server, async ({ reference, manager }) => {
      const first = await reference.connect();
      await once(first, 'data');
      expect(await readAll(await reference.connect())).toBe('');
      expect(dropped).toBe(1);
      expect(manager.stats().connections).toMatchObject({ open: 1, accepted: 1, dropped: 1 });
      // Its current value, as in Node: it can be changed at any time.
      server.maxConnections = 2;
      const second = await reference.connect();
      await once(second, 'data');
      for (const socket of [first, second]) socket.destroy();
      await until('both have ended', () => manager.stats().connections.open === 0);
      expect(dropped).toBe(1);
    });
  });

  it('may be 0, which means the same as in the running Node', () => {
    const server = createServer((socket) => socket.end('hello'));
    server.maxConnections = 0;
    const isNone = Number.parseInt(process.versions.node, 10) < 21;
    return withServed(server, async ({ reference }) => {
      expect(await readAll(await reference.connect())).toBe(isNone ? 'hello' : '');
    });
  });

  it('causes only a fault when a listener of `drop` throws', () => {
    const failure = new Error('on purpose');
    const server = createServer((socket) => socket.write('hello')).on('drop', () => {
      throw failure;
    });
    server.maxConnections = 1;
    return withServed(server, async ({ reference, faults }) => {
      const first = await reference.connect();
      await once(first, 'data');
      expect(await readAll(await reference.connect())).toBe('');
      expect(faults).toEqual([failure]);
      first.destroy();
    });
  });
});

describe('headersTimeout of a server that serves a socket', () => {
  const timeouts = { headersTimeout: 50, requestTimeout: 60, connectionsCheckingInterval: 20 };

  it('ends a request whose headers do not come, with HTTP', () =>
    withServed(createHttpServer(timeouts), async ({ reference }) => {
      const socket = await reference.connect();
      socket.write('GET / HTTP/1.1\r\nHost:');
      expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 408 /);
    }));

  it('and with HTTPS', () =>
    withServed(createHttpsServer({ ...psk, ...timeouts }), async ({ reference }) => {
      const socket = connectTls({ ...client, socket: await reference.connect() });
      socket.write('GET / HTTP/1.1\r\nHost:');
      expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 408 /);
    }));

  it('calls no listener of the user, and is checked again when the server serves again', async () => {
    const server = createHttpServer(timeouts, (_, response) => response.end('fine'));
    let listening = 0;
    server.on('listening', () => listening++);
    for (let time = 0; time < 2; time++) {
      await withServed(server, async ({ reference }) => {
        const socket = await reference.connect();
        socket.write('GET / HTTP/1.1\r\nHost:');
        expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 408 /);
        const [response] = await once(get({ socketPath: reference.path, agent: false }), 'response');
        expect(await readAll(response)).toBe('fine');
      });
      expect(checksOf(server)).toBe(false);
    }
    expect(listening).toBe(0);
  });

  it('is checked until the last of its sockets has ended', () =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager();
      const server = createHttpServer(timeouts);
      const [first, second] = await Promise.all(
        ['a.sock', 'b.sock'].map((name) => manager.acquire(join(directory, name), { serve: server })),
      );
      await first?.close();
      expect(checksOf(server)).toBe(true);
      await second?.close();
      expect(checksOf(server)).toBe(false);
    }));
});

/** Makes the system refuse each link to the name of a socket during a call. */
async function unlinked(work: () => Promise<void>): Promise<void> {
  const { linkSync } = fs;
  fs.linkSync = () => {
    throw Object.assign(new Error('EIO'), { code: 'EIO', syscall: 'link' });
  };
  syncBuiltinESMExports();
  try {
    await work();
  } finally {
    fs.linkSync = linkSync;
    syncBuiltinESMExports();
  }
}

function listenersOf(server: Server): unknown {
  return Object.fromEntries(server.eventNames().map((name) => [name, server.rawListeners(name)]));
}

describe('a server whose socket cannot be published', () => {
  it.each<[string, () => Server]>([
    ['net', () => createServer((socket) => socket.end('served'))],
    ['http', () => createHttpServer().on('connection', (socket) => socket.end('served'))],
    ['https', () => createHttpsServer(psk).on('connection', (socket) => socket.end('served'))],
    ['http2', () => createHttp2Server().on('connection', (socket) => socket.end('served'))],
  ])('is as it was, listens as before, and can be passed again: %s', (_, create) =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager();
      const server = create();
      const [path, own] = [join(directory, 'a.sock'), join(directory, 'own.sock')];
      const before = listenersOf(server);
      await unlinked(async () => {
        const refused = { code: 'ERR_SOCKREF_SYSTEM', errno: 'EIO' };
        // Descriptors that are opened once stay open.
        await expect(manager.acquire(path, { serve: server })).rejects.toMatchObject(refused);
        const descriptors = readdirSync('/proc/self/fd').length;
        await expect(manager.acquire(path, { serve: server })).rejects.toMatchObject(refused);
        expect(listenersOf(server)).toEqual(before);
        expect(checksOf(server)).toBe(false);
        await until('no descriptor is left', () => readdirSync('/proc/self/fd').length <= descriptors);

        server.listen(own);
        await once(server, 'listening');
        await expect(manager.acquire(path, { serve: server })).rejects.toMatchObject(refused);
      });
      expect(server.listening).toBe(true);
      expect(await readAll(connect(own))).toBe('served');
      const reference = await manager.acquire(path, { serve: server });
      expect(await readAll(await reference.connect())).toBe('served');
      await reference.close();
      expect(await readAll(connect(own))).toBe('served');
      server.close();
      await once(server, 'close');
      expect(readdirSync(directory)).toEqual([]);
    }),
  );
});

/** Whether Node's timer for a server runs. */
function checksOf(server: Server): boolean {
  const key = Object.getOwnPropertySymbols(server).find(({ description }) => description?.includes('CheckingInterval'));
  const timer = key && (server as unknown as Record<symbol, { readonly _destroyed: boolean }>)[key];
  return timer !== undefined && !timer._destroyed;
}
