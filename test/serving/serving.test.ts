import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer, request } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { type Serve, SocketManager, type SocketManagerOptions, type SocketReference } from 'sockref';
import { describe, expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { greeting, readAll } from '../helpers/serve.js';
import { until } from '../helpers/until.js';

interface Served {
  readonly reference: SocketReference;
  readonly manager: SocketManager;
  readonly path: string;
  readonly faults: unknown[];
}

function withServed(serve: Serve, test: (served: Served) => Promise<void>, options?: SocketManagerOptions) {
  return withDirectory(async (directory) => {
    const path = join(directory, 'a.sock');
    await using manager = new SocketManager(options);
    const faults: unknown[] = [];
    manager.on('fault', ({ error }) => faults.push(error));
    const reference = await manager.acquire(path, { serve });
    await test({ reference, manager, path, faults });
  });
}

const purpose = new Error('on purpose');

describe('a handler', () => {
  it.each<[string, Serve]>([
    [
      'throws',
      () => {
        throw purpose;
      },
    ],
    ['rejects', () => Promise.reject(purpose)],
    [
      'rejects later',
      async (socket) => {
        await once(socket, 'data');
        throw purpose;
      },
    ],
    [
      'returns a promise of another class that rejects',
      (() => ({
        // biome-ignore lint/suspicious/noThenProperty: the test is about it
        then: (_: unknown, no: (error: Error) => void) => no(purpose),
      })) as unknown as Serve,
    ],
    ['destroys the connection with an error', (socket) => void socket.destroy(purpose)],
  ])('that %s costs one connection, and is told as a fault', (_, failing) => {
    let served = 0;
    const serve: Serve = (socket) =>
      served++ === 0 ? (failing as (socket: Socket) => void)(socket) : void socket.end(greeting);
    return withServed(serve, async ({ reference, manager, faults }) => {
      const client = await reference.connect();
      // The client may be gone before the write.
      client.on('error', () => {});
      const closed = new Promise((resolve) => client.resume().once('close', resolve));
      client.write('x');
      await closed;
      expect(faults).toEqual([purpose]);
      expect(await readAll(await reference.connect())).toBe(greeting);
      expect(reference).toMatchObject({ isActive: true, referenceCount: 1 });
      expect(manager.stats()).toMatchObject({ faults: 1, connections: { accepted: 2, failed: 1 } });
    });
  });

  it.each([
    ['a number', 1],
    ['nothing', undefined],
    ['an object', {}],
    ['a promise', Promise.resolve()],
  ])('may return %s', (_, value) =>
    withServed(
      ((socket: Socket) => {
        socket.end(greeting);
        return value;
      }) as Serve,
      async ({ reference, faults }) => {
        expect(await readAll(await reference.connect())).toBe(greeting);
        expect(faults).toEqual([]);
      },
    ),
  );

  it('is not blamed for a client that goes away', () =>
    withServed(
      (socket) => void socket.resume().write('x'.repeat(1_000_000)),
      async ({ reference, manager, faults }) => {
        const client = await reference.connect();
        await once(client, 'readable');
        client.destroy();
        await until('the connection has ended', () => manager.stats().connections.open === 0);
        expect(faults).toEqual([]);
        expect(manager.stats().connections.failed).toBe(0);
      },
    ));
});

describe('a net.Server', () => {
  it('gets the connections, without listening itself', () => {
    const server = createServer((socket) => socket.end(greeting));
    return withServed(server, async ({ reference }) => {
      expect(await readAll(await reference.connect())).toBe(greeting);
      expect(server.listening).toBe(false);
    });
  });

  it('may allow half-open connections', () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      let all = '';
      socket.on('data', (data) => {
        all += data;
      });
      socket.once('end', () => socket.end(all.toUpperCase()));
    });
    return withServed(server, async ({ reference }) => {
      const client = await reference.connect({ allowHalfOpen: true });
      client.end('half');
      expect(await readAll(client)).toBe('HALF');
    });
  });

  it('without a listener for connections causes a fault for each connection', () =>
    withServed(createServer(), async ({ reference, faults }) => {
      await once((await reference.connect()).resume(), 'close');
      expect(faults).toMatchObject([{ message: expect.stringContaining('connection') }]);
    }));

  it('whose listener throws ends one connection', () => {
    let served = 0;
    const server = createServer((socket) => {
      if (served++ === 0) throw purpose;
      socket.end(greeting);
    });
    return withServed(server, async ({ reference, faults }) => {
      await once((await reference.connect()).resume(), 'close');
      expect(faults).toEqual([purpose]);
      expect(await readAll(await reference.connect())).toBe(greeting);
    });
  });
});

it('closes connections beyond maxConnectionsPerSocket at once, and takes new ones when there is room', () => {
  const open: Socket[] = [];
  return withServed(
    (socket) => {
      open.push(socket.resume());
      socket.write(greeting);
    },
    async ({ reference, manager }) => {
      const clients = [await reference.connect(), await reference.connect()];
      await Promise.all(clients.map((each) => once(each, 'data')));
      expect(await readAll(await reference.connect())).toBe('');
      expect(manager.stats().connections).toMatchObject({ open: 2, accepted: 2, dropped: 1 });
      clients[0]?.destroy();
      await until('there is room', () => manager.stats().connections.open === 1);
      const third = await reference.connect();
      expect(String((await once(third, 'data'))[0])).toBe(greeting);
      for (const each of [...clients, third]) each.destroy();
    },
    { limits: { maxConnectionsPerSocket: 2 } },
  );
});

describe('an http.Server', () => {
  const curl = (path: string, ...args: string[]) =>
    promisify(execFile)('curl', ['--silent', '--show-error', '--max-time', '30', '--unix-socket', path, ...args]);

  function withHttp(server: HttpServer, test: (served: Served) => Promise<void>): Promise<void> {
    return withServed(server, test);
  }

  it('answers curl', () =>
    withHttp(
      createHttpServer(async (message, response) => {
        response.end(`${message.method} ${message.url} ${await text(message)}`);
      }),
      async ({ path, manager }) => {
        expect((await curl(path, 'http://localhost/a?b=c')).stdout).toBe('GET /a?b=c ');
        expect((await curl(path, '--data', 'd'.repeat(100_000), 'http://localhost/')).stdout).toHaveLength(100_007);
        const many = await Promise.all(
          Array.from({ length: 8 }, (_, index) => curl(path, `http://localhost/${index}`)),
        );
        expect(many.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 8 }, (_, index) => `GET /${index} `));
        expect(manager.stats().faults).toBe(0);
      },
    ));

  it('finishes the answer that curl reads at the close, while new connections find no socket', () => {
    let finish: (() => void) | undefined;
    const server = createHttpServer((_, response) => {
      response.write('begun ');
      finish = () => response.end('finished');
    });
    return withHttp(server, async ({ reference, path }) => {
      const reading = spawn('curl', [
        '--silent',
        '--no-buffer',
        '--max-time',
        '30',
        '--unix-socket',
        path,
        'http://localhost/',
      ]);
      const exited = once(reading, 'exit');
      expect(String((await once(reading.stdout, 'data'))[0])).toBe('begun ');
      const closing = reference.close();
      expect(existsSync(path)).toBe(false);
      await expect(curl(path, 'http://localhost/')).rejects.toMatchObject({ code: 7 });
      finish?.();
      expect(await text(reading.stdout)).toBe('finished');
      expect((await exited)[0]).toBe(0);
      await closing;
    });
  });

  it('answers two requests on one connection, and closes it after the second when the socket stops', () => {
    const pending: (() => void)[] = [];
    const server = createHttpServer((message, response) => {
      if (message.url === '/now') response.end('now');
      else pending.push(() => response.end('later'));
    });
    return withHttp(server, async ({ reference }) => {
      const client = await reference.connect();
      const ask = (path: string) =>
        new Promise<[string | undefined, string]>((resolve, reject) => {
          const asking = request({ path, createConnection: () => client, headers: { Connection: 'keep-alive' } });
          asking.once('response', async (response) => resolve([response.headers.connection, await text(response)]));
          asking.once('error', reject);
          asking.end();
        });
      expect(await ask('/now')).toEqual(['keep-alive', 'now']);
      const asked = once(server, 'request');
      const answer = ask('/later');
      await asked;
      const closing = reference.close();
      await until('the socket drains', () => reference.isActive === false);
      const closed = once(client, 'close');
      for (const each of pending) each();
      expect((await answer)[1]).toBe('later');
      await Promise.all([closing, closed]);
    });
  });

  it('can serve again later, and has no listeners of ours in between', () =>
    withDirectory(async (directory) => {
      const server = createHttpServer((_, response) => response.end(greeting));
      const before = server.listenerCount('request');
      const manager = new SocketManager();
      for (let cycle = 0; cycle < 3; cycle++) {
        const path = join(directory, 'a.sock');
        const reference = await manager.acquire(path, { serve: server });
        expect((await curl(path, 'http://localhost/')).stdout).toBe(greeting);
        await reference.close();
        expect(server.listenerCount('request')).toBe(before);
      }
    }));
});
