import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { SocketManager } from 'sockref';
import { describe, expect, it } from 'vitest';
import { greeting, readAll } from '../helpers/serve.js';
import { withSocket } from '../helpers/socket.js';
import { until } from '../helpers/until.js';

describe('drain', () => {
  it('lets open connections continue when the file is gone, and waits for them', () =>
    withSocket(async (path, manager) => {
      const reference = await manager.acquire(path, {
        serve: (socket) => void socket.on('data', (data) => socket.write(`echo ${data}`)),
      });
      const client = await reference.connect();
      client.write('one');
      expect(String((await once(client, 'data'))[0])).toBe('echo one');
      let over = false;
      const closing = reference.close().then(() => {
        over = true;
      });
      expect(existsSync(path)).toBe(false);
      client.write('two');
      expect(String((await once(client, 'data'))[0])).toBe('echo two');
      expect(over).toBe(false);
      client.destroy();
      await closing;
    }));

  it('appears from outside as a socket that is stopping', () =>
    withSocket(async (path, manager) => {
      const reference = await manager.acquire(path, { serve: (socket) => void socket.resume() });
      const client = await reference.connect();
      // A connection counts from its accept on.
      await until('it is accepted', () => manager.stats().connections.open === 1);
      const closing = reference.close();
      expect(await manager.inspect(path)).toMatchObject({ state: 'stopping', owner: { pid: process.pid } });
      client.destroy();
      await closing;
    }));

  it('is what an acquire elsewhere was waiting for, by its error, when its time is over', () =>
    withSocket(async (path, manager) => {
      const serve = (socket: Socket) => void socket.resume();
      const reference = await manager.acquire(path, { serve });
      const client = await reference.connect();
      await until('it is accepted', () => manager.stats().connections.open === 1);
      const closing = reference.close();
      const late = new SocketManager().acquire(path, { serve, timeoutMs: 50 });
      await expect(late).rejects.toMatchObject({
        code: 'ERR_SOCKREF_TIMEOUT',
        waitingFor: `the last connections of the previous owner (pid ${process.pid}) to end`,
      });
      client.destroy();
      await closing;
    }));

  it('ends connections by force that take longer than drainTimeoutMs', () =>
    withSocket(async (path, manager) => {
      const reference = await manager.acquire(path, { serve: (socket) => void socket.resume(), drainTimeoutMs: 1 });
      const client = await reference.connect();
      const closed = once(client.resume(), 'close');
      await reference.close();
      await closed;
    }));

  it('does not wait for idle HTTP connections', () =>
    withSocket(async (path, manager) => {
      const server = createServer((_, response) => response.end(greeting));
      // Longer than any watchdog: if the drain waited for it, the test would hang.
      server.keepAliveTimeout = 600_000;
      const reference = await manager.acquire(path, { serve: server, drainTimeoutMs: 600_000 });
      const client = await reference.connect();
      const closed = once(client, 'close');
      client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      await once(client, 'data');
      await reference.close();
      await closed;
    }));

  it('lets an answer in progress finish', () =>
    withSocket(async (path, manager) => {
      const finish: (() => void)[] = [];
      const server: Server = createServer((_, response) => {
        response.write('begun ');
        finish.push(() => response.end('finished'));
      });
      const reference = await manager.acquire(path, { serve: server, drainTimeoutMs: 600_000 });
      const client = await reference.connect();
      const answer = readAll(client);
      client.write('GET / HTTP/1.0\r\n\r\n');
      await once(server, 'request');
      const closing = reference.close();
      expect(existsSync(path)).toBe(false);
      for (const each of finish) each();
      await closing;
      expect(await answer).toMatch(/begun finished$/);
    }));
});
