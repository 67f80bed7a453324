import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../clock.js';
import type { Report } from '../context.js';
import { errnoOf, systemError } from '../errors/system.js';
import { checkTimeouts } from './http-timeouts.js';
import { InFlight } from './in-flight.js';
import { Sessions } from './sessions.js';

/** Gets each connection to the socket. If it throws or rejects, that connection ends. Its result is not used. */
export type ConnectionHandler = (socket: Socket) => unknown;

/** What serves a socket: a function, or a `net`, `http` or `tls` server. It gets the connections. */
export type Serve = ConnectionHandler | Server;

/** Errors of a connection that only mean that its peer went away. */
const departures = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED']);

/** The numbers of a listener. */
export interface ConnectionStats {
  /** Open connections. */
  open: number;
  /** Connections that were handed to the server since the start. */
  accepted: number;
  /** Connections that were closed at once because of `maxConnectionsPerSocket` or the server's own `maxConnections`. */
  dropped: number;
  /** Connections that ended because the server threw or rejected. */
  failed: number;
}

/** Accepts connections to the data socket, hands them to the server, and drains them at the end. */
export class Connections {
  readonly stats: ConnectionStats = { open: 0, accepted: 0, dropped: 0, failed: 0 };
  readonly #serve: Serve;
  readonly #max: number;
  readonly #report: Report;
  readonly #path: string;
  readonly #inFlight: InFlight;
  readonly #sessions: Sessions;
  readonly #stopChecking: () => void;
  readonly #open = new Set<Socket>();
  #drained: (() => void) | undefined;

  /** @param path - the path of the socket, for reports of faults */
  constructor(serve: Serve, max: number, report: Report, path: string) {
    this.#serve = serve;
    this.#max = max;
    this.#report = report;
    this.#path = path;
    const server = typeof serve === 'function' ? undefined : serve;
    this.#inFlight = new InFlight(server, this.#open);
    this.#sessions = new Sessions(server, this.#open);
    this.#stopChecking = checkTimeouts(server);
  }

  /** A new, unbound server. A repaired socket file needs another one for the same connections. */
  createServer(): Server {
    const serve = this.#serve as { allowHalfOpen?: boolean; pauseOnConnect?: boolean; highWaterMark?: number };
    // http and tls servers need half-open sockets, so ours must be of the same kind.
    const { allowHalfOpen = false, pauseOnConnect = false, highWaterMark } = serve;
    const options = { allowHalfOpen, pauseOnConnect, ...(typeof highWaterMark === 'number' && { highWaterMark }) };
    const server = createServer(options, (socket) => this.#accept(socket));
    // The caller that binds the server gets the errors until then.
    server.once('listening', () =>
      server.on('error', (error) => this.#fault(systemError(error, undefined, 'accept a connection'))),
    );
    return server;
  }

  /** Waits until all connections have ended. Destroys those that are still open after `ms` milliseconds. */
  async drain(ms: number, clock: Clock): Promise<void> {
    this.#inFlight.drain();
    this.#sessions.drain();
    for (const socket of this.#open) if (this.#inFlight.isIdle(socket)) socket.destroy();
    if (this.#open.size > 0) {
      const ended = new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
      const timer = clock.after(ms, () => {
        for (const socket of this.#open) socket.destroy();
      });
      await ended;
      timer.cancel();
    }
    this.#release();
  }

  /** Stops looking after the connections. They continue without this listener. */
  detach(): void {
    if (this.#open.size === 0) this.#release();
    else this.#drained = () => this.#release();
  }

  #fault(error: unknown): void {
    this.#report.fault(this.#path, error);
  }

  #release(): void {
    this.#inFlight.release();
    this.#sessions.release();
    this.#stopChecking();
  }

  #accept(socket: Socket): void {
    const tooMany = this.#open.size >= ownLimit(this.#serve);
    if (tooMany || this.#open.size >= this.#max) {
      this.stats.dropped++;
      socket.destroy();
      if (tooMany) this.#tellDropped();
      return;
    }
    this.#open.add(socket);
    this.#sessions.mark(socket);
    this.stats.open = this.#open.size;
    this.stats.accepted++;
    socket.once('close', () => this.#closed(socket));
    try {
      if (typeof this.#serve !== 'function') {
        if (!this.#serve.emit('connection', socket)) throw new Error("the server has no listener for 'connection'");
        return;
      }
      // Without a listener an error of one connection would end the whole process.
      socket.on('error', (error) => this.#connectionFailed(socket, error));
      const handled: unknown = this.#serve(socket);
      // Only a promise, of any class, has something to wait for.
      if (isThenable(handled)) Promise.resolve(handled).catch((error: unknown) => this.#handlerFailed(socket, error));
    } catch (error) {
      this.#handlerFailed(socket, error);
    }
  }

  /** Emits the event by which Node tells a server of a dropped connection to a path. */
  #tellDropped(): void {
    try {
      (this.#serve as Server).emit('drop');
    } catch (error) {
      this.#fault(error);
    }
  }

  #closed(socket: Socket): void {
    this.#open.delete(socket);
    this.stats.open = this.#open.size;
    if (this.#open.size === 0) this.#drained?.();
  }

  #handlerFailed(socket: Socket, error: unknown): void {
    this.stats.failed++;
    socket.destroy();
    this.#fault(error);
  }

  #connectionFailed(socket: Socket, error: Error): void {
    // A handler that listens handles it. A peer that went away is not a fault.
    if (socket.listenerCount('error') > 1 || departures.has(errnoOf(error) ?? '')) return;
    this.#handlerFailed(socket, error);
  }
}

/** The server's own `maxConnections`. Before Node 21, 0 meant no limit. */
function ownLimit(serve: Serve): number {
  const { maxConnections } = serve as { readonly maxConnections?: unknown };
  if (typeof serve === 'function' || typeof maxConnections !== 'number') return Number.POSITIVE_INFINITY;
  const none = maxConnections === 0 && Number.parseInt(process.versions.node, 10) < 21;
  return none ? Number.POSITIVE_INFINITY : maxConnections;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}
