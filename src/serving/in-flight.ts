import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server, Socket } from 'node:net';
import { listenFirst } from './shared-listener.js';

/**
 * Knows which connections of an HTTP server have a request in progress. An idle keep-alive connection would delay the
 * end of its socket for as long as its client likes.
 */
export class InFlight {
  readonly #requests = new Map<Socket, number>();
  readonly #off: (() => void) | undefined;
  readonly #ours: ReadonlySet<Socket>;
  #draining = false;

  /** @param ours - the connections to watch; the server may get others from elsewhere */
  constructor(server: Server | undefined, ours: ReadonlySet<Socket>) {
    this.#ours = ours;
    // Not instanceof: the server may come from another realm or a wrapper, and node:http need not be loaded for this.
    if (!server || !('requestTimeout' in server) || !('keepAliveTimeout' in server)) return;
    // An https server gets its requests on sockets that wrap ours, and no public API tells which. Its connections count
    // as busy: it is better to wait for an idle one than to cut off an answer.
    if ('setSecureContext' in server) return;
    this.#off = listenFirst(server, 'request', this.#began);
  }

  /** Whether a connection may be closed without cutting off an answer. */
  isIdle(socket: Socket): boolean {
    return this.#off !== undefined && !this.#requests.has(socket);
  }

  /** From now on each connection closes after its current answer. */
  drain(): void {
    this.#draining = true;
  }

  /** Stops watching the server. */
  release(): void {
    this.#off?.();
  }

  readonly #began = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    if (!this.#ours.has(socket)) return;
    this.#requests.set(socket, (this.#requests.get(socket) ?? 0) + 1);
    if (this.#draining && !response.headersSent) response.setHeader('Connection', 'close');
    response.once('close', () => {
      const left = (this.#requests.get(socket) ?? 1) - 1;
      if (left > 0) this.#requests.set(socket, left);
      else this.#requests.delete(socket);
      if (left === 0 && this.#draining) socket.end();
    });
  };
}
