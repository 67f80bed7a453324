import type { ServerHttp2Session } from 'node:http2';
import type { Server, Socket } from 'node:net';
import { listenFirst } from './shared-listener.js';

/** The key by which a connection is found behind the proxy in which a session shows its socket. */
const itself = Symbol('sockref.socket');

interface Marked {
  readonly [itself]?: Socket;
  /** The socket below a TLS connection. Node gives no other way to it. */
  readonly _parent?: unknown;
}

/**
 * The HTTP/2 sessions of the connections to a socket. An idle session would delay the end of its socket for as long as
 * its client likes, and a busy one would continue with new streams.
 */
export class Sessions {
  readonly #ours: ReadonlySet<Socket>;
  readonly #open = new Set<ServerHttp2Session>();
  readonly #off: (() => void) | undefined;
  #draining = false;

  /** @param ours - the connections to watch; the server may get others from elsewhere */
  constructor(server: Server | undefined, ours: ReadonlySet<Socket>) {
    this.#ours = ours;
    // Recognised by its shape, because it may come from another realm: only HTTP/2 servers have settings.
    if (!server || !('updateSettings' in server)) return;
    this.#off = listenFirst(server, 'session', (session: ServerHttp2Session) => this.#began(session));
  }

  /** Marks a connection that the server is about to get. */
  mark(socket: Socket): void {
    if (this.#off) Object.defineProperty(socket, itself, { value: socket });
  }

  /** From now on each session ends after its streams, at once if it has none. Its client is told so (GOAWAY). */
  drain(): void {
    this.#draining = true;
    for (const session of this.#open) session.close();
  }

  /** Stops watching the server. */
  release(): void {
    this.#off?.();
  }

  #began(session: ServerHttp2Session): void {
    const socket = session.socket as Marked;
    const connection = socket[itself] ?? socket._parent;
    if (!this.#ours.has(connection as Socket)) return;
    this.#open.add(session);
    session.once('close', () => this.#open.delete(session));
    // A TLS handshake can last until after the drain has begun.
    if (this.#draining) session.close();
  }
}
