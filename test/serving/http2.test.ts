import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  type ClientHttp2Session,
  connect,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
} from 'node:http2';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { SocketManager, type SocketReference } from 'sockref';
import { describe, expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { readAll } from '../helpers/serve.js';
import { until } from '../helpers/until.js';

/** Longer than the watchdog of the test: a drain that waits for its end fails. */
const drainTimeoutMs = 1_000_000;

/** With a shared key no certificates are needed. */
const key = { psk: Buffer.alloc(32, 7), identity: 'test' };
const tls = { ciphers: 'PSK', maxVersion: 'TLSv1.2', ALPNProtocols: ['h2'] } as const;

type Serving = Http2Server | Http2SecureServer;

const plain = {
  create: (): Serving => createServer(),
  session: async (reference: SocketReference): Promise<ClientHttp2Session> => {
    const socket = await reference.connect();
    return connect('http://localhost', { createConnection: () => socket });
  },
};

const secure = {
  create: (): Serving => createSecureServer({ ...tls, pskCallback: () => key.psk }),
  session: async (reference: SocketReference): Promise<ClientHttp2Session> => {
    const checks = { checkServerIdentity: () => undefined, pskCallback: () => ({ ...key }) };
    const socket = connectTls({ ...tls, ...checks, socket: await reference.connect() });
    await once(socket, 'secureConnect');
    return connect('https://localhost', { createConnection: () => socket });
  },
};

describe.each([
  ['HTTP/2', plain],
  ['HTTP/2 with TLS', secure],
])('a server of %s, when its socket stops,', (_, { create, session }) => {
  function served(test: (reference: SocketReference, server: Serving) => Promise<void>): Promise<void> {
    return withDirectory(async (directory) => {
      await using manager = new SocketManager();
      const server = create();
      const reference = await manager.acquire(join(directory, 'a.sock'), { serve: server, drainTimeoutMs });
      await test(reference, server);
    });
  }

  it('ends an idle session at once, and says so', () =>
    served(async (reference, server) => {
      server.on('stream', (stream) => stream.end('fine'));
      const client = await session(reference);
      expect(await readAll(client.request())).toBe('fine');
      const [goaway, closed] = [once(client, 'goaway'), once(client, 'close')];
      await reference.close();
      expect((await goaway)[0]).toBe(0);
      await closed;
    }));

  it('ends a busy session after its streams, which get their complete answers', () =>
    served(async (reference, server) => {
      const client = await session(reference);
      const streams = once(server, 'stream');
      const request = client.request();
      const answer = readAll(request);
      const [stream] = await streams;
      const goaway = once(client, 'goaway');
      const closing = reference.close();
      await goaway;
      await until('the file is gone', () => !existsSync(reference.path));
      // It accepts no new streams, and continues with the open ones.
      stream.respond();
      stream.write('half and ');
      await once(request, 'data');
      stream.end('whole');
      expect(await answer).toBe('half and whole');
      await closing;
    }));

  it('leaves other sessions alone', () =>
    served(async (reference, server) => {
      server.on('stream', (stream) => stream.end('fine'));
      await withDirectory(async (elsewhere) => {
        await using manager = new SocketManager();
        const other = await manager.acquire(join(elsewhere, 'b.sock'), { serve: server });
        const client = await session(other);
        await readAll(client.request());
        await reference.close();
        expect(client.closed).toBe(false);
        expect(await readAll(client.request())).toBe('fine');
        client.close();
        await once(client, 'close');
      });
    }));
});
