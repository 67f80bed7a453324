import { EventEmitter } from 'node:events';
import type { Server, Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { InFlight } from '#src/serving/in-flight.js';

/** Has the shape of an HTTP server but another class, like a server from another realm. */
class ServerOfSorts extends EventEmitter {
  requestTimeout = 0;
  keepAliveTimeout = 0;
}

class Connection {
  ended = 0;
  end(): void {
    this.ended++;
  }
}

class Answer extends EventEmitter {
  headersSent = false;
  readonly headers: Record<string, string> = {};
  setHeader(name: string, value: string): void {
    this.headers[name] = value;
  }
}

function scene(server: EventEmitter | undefined = new ServerOfSorts()) {
  const connection = new Connection();
  const socket = connection as unknown as Socket;
  const ours = new Set([socket]);
  const inFlight = new InFlight(server as unknown as Server | undefined, ours);
  const request = (on: unknown = connection): Answer => {
    const answer = new Answer();
    server?.emit('request', { socket: on }, answer);
    return answer;
  };
  return { connection, socket, inFlight, request, server };
}

describe('connections of an HTTP server', () => {
  it('are busy from the request to the end of its answer', () => {
    const { socket, inFlight, request, connection } = scene();
    expect(inFlight.isIdle(socket)).toBe(true);
    const answer = request();
    expect(inFlight.isIdle(socket)).toBe(false);
    answer.emit('close');
    expect(inFlight.isIdle(socket)).toBe(true);
    expect(connection.ended).toBe(0);
  });

  it('are busy until the last of several answers', () => {
    const { socket, inFlight, request, connection } = scene();
    const [first, second] = [request(), request()];
    inFlight.drain();
    second.emit('close');
    expect(inFlight.isIdle(socket)).toBe(false);
    expect(connection.ended).toBe(0);
    first.emit('close');
    expect(inFlight.isIdle(socket)).toBe(true);
    expect(connection.ended).toBe(1);
  });

  it('are told to close when a request comes during a drain', () => {
    const { inFlight, request } = scene();
    const before = request();
    inFlight.drain();
    expect(request().headers).toEqual({ Connection: 'close' });
    expect(before.headers).toEqual({});
  });

  it('do not change when the headers are sent', () => {
    const { inFlight, server, connection } = scene();
    inFlight.drain();
    const answer = new Answer();
    answer.headersSent = true;
    server?.emit('request', { socket: connection }, answer);
    expect(answer.headers).toEqual({});
    answer.emit('close');
    expect(connection.ended).toBe(1);
  });

  it('from elsewhere are not watched', () => {
    const { inFlight, request } = scene();
    inFlight.drain();
    const other = new Connection();
    const answer = request(other);
    expect(answer.headers).toEqual({});
    expect(answer.listenerCount('close')).toBe(0);
    expect(other.ended).toBe(0);
  });

  it('are seen before any listener of the user, and no longer once the watch has ended', () => {
    const server = new ServerOfSorts();
    const seen: boolean[] = [];
    server.on('request', () => seen.push(inFlight.isIdle(socket)));
    const { inFlight, socket, request } = scene(server);
    request().emit('close');
    inFlight.release();
    request();
    expect(seen).toEqual([false, true]);
    expect(server.listenerCount('request')).toBe(1);
  });
});

describe('other connections', () => {
  it.each([
    ['a function serves them', undefined],
    ['a net server serves them', new EventEmitter()],
    ['an https server serves them', Object.assign(new ServerOfSorts(), { setSecureContext: () => {} })],
  ])('are never idle: %s', (_, server) => {
    const { inFlight, socket } = scene(server);
    // The default of the scene would be an HTTP server.
    const plain = server ? inFlight : new InFlight(undefined, new Set([socket]));
    expect(plain.isIdle(socket)).toBe(false);
    expect(server?.listenerCount('request') ?? 0).toBe(0);
    plain.drain();
    plain.release();
  });
});
