import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../clock.js';
import type { Report } from '../context.js';
import { errnoOf, systemError } from '../errors/system.js';
import { checkTimeouts } from './http-timeouts.js';
import { InFlight } from './in-flight.js';
import { Sessions } from './sessions.js';

/** Gets each connection to the socket. What it throws, or rejects with, costs that connection; what it returns is not used. */
export type ConnectionHandler = (socket: Socket) => unknown;

/** What serves a socket: a function, or a `net`, `http` or `tls` server, which gets the connections. */
export type Serve = ConnectionHandler | Server;

/** Errors of a connection that only say that its peer went away. */
const departures = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED']);

/** What a listener counts. */
export interface ConnectionStats {
  /** Connections that are open. */
  open: number;
  /** Connections ever handed to what serves. */
  accepted: number;
  /** Connections closed at once because of `maxConnectionsPerSocket`, or of the `maxConnections` of the server that serves. */
  dropped: number;
  /** Connections that ended because what serves them threw or rejected. */
  failed: number;
}

/** Accepts connections to the data socket, hands them to what serves, and drains them at the end. */
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

  /** @param path - of the socket, under which faults are reported */
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

  /** A new server that is not bound yet. A repaired socket file needs another one, for the same connections. */
  createServer(): Server {
    const serve = this.#serve as { allowHalfOpen?: boolean; pauseOnConnect?: boolean; highWaterMark?: number };
    // http and tls servers rely on half-open sockets, so ours must be of the kind of theirs.
    const { allowHalfOpen = false, pauseOnConnect = false, highWaterMark } = serve;
    const options = { allowHalfOpen, pauseOnConnect, ...(typeof highWaterMark === 'number' && { highWaterMark }) };
    const server = createServer(options, (socket) => this.#accept(socket));
    // What fails until then is told to whoever has it listen.
    server.once('listening', () =>
      server.on('error', (error) => this.#fault(systemError(error, undefined, 'accept a connection'))),
    );
    return server;
  }

  /** Waits until all connections have ended, and ends those by force that have not after so many milliseconds. */
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

  /** Lets the connections go on by themselves: this listener's time is over. */
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
      // Without a listener an error of the connection would end the process, and the server of everybody with it.
      socket.on('error', (error) => this.#connectionFailed(socket, error));
      const handled: unknown = this.#serve(socket);
      // Whatever a handler returns, only a promise, of whatever make, has something to wait for.
      if (isThenable(handled)) Promise.resolve(handled).catch((error: unknown) => this.#handlerFailed(socket, error));
    } catch (error) {
      this.#handlerFailed(socket, error);
    }
  }

  /** As Node tells a server of a connection to a path that its own limit refused. */
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
    // A handler that listens itself knows; a peer that went away is no fault of anybody.
    if (socket.listenerCount('error') > 1 || departures.has(errnoOf(error) ?? '')) return;
    this.#handlerFailed(socket, error);
  }
}

/** The `maxConnections` that a server was given. Before Node 21, 0 was as good as none. */
function ownLimit(serve: Serve): number {
  const { maxConnections } = serve as { readonly maxConnections?: unknown };
  if (typeof serve === 'function' || typeof maxConnections !== 'number') return Number.POSITIVE_INFINITY;
  const none = maxConnections === 0 && Number.parseInt(process.versions.node, 10) < 21;
  return none ? Number.POSITIVE_INFINITY : maxConnections;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}
