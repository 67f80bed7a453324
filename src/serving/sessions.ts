import type { ServerHttp2Session } from 'node:http2';
import type { Server, Socket } from 'node:net';
import { listenFirst } from './shared-listener.js';

/** By this a connection is known behind the proxy in which a session shows its socket. */
const itself = Symbol('sockref.socket');

interface Marked {
  readonly [itself]?: Socket;
  /** What a TLS connection was made of. Node says it nowhere else. */
  readonly _parent?: unknown;
}

/**
 * The HTTP/2 sessions of the connections to a socket. One without a stream under way would hold up the end of its socket for
 * as long as its client likes, and one with some would go on with new ones.
 */
export class Sessions {
  readonly #ours: ReadonlySet<Socket>;
  readonly #open = new Set<ServerHttp2Session>();
  readonly #off: (() => void) | undefined;
  #draining = false;

  /** @param ours - the connections to look after; the server may get others from elsewhere */
  constructor(server: Server | undefined, ours: ReadonlySet<Socket>) {
    this.#ours = ours;
    // By its shape, as it may come from another realm: only servers of HTTP/2 have settings.
    if (!server || !('updateSettings' in server)) return;
    this.#off = listenFirst(server, 'session', (session: ServerHttp2Session) => this.#began(session));
  }

  /** A connection that the server is about to get. */
  mark(socket: Socket): void {
    if (this.#off) Object.defineProperty(socket, itself, { value: socket });
  }

  /** From now on each session ends behind its streams, at once if it has none. Its client is told so (GOAWAY). */
  drain(): void {
    this.#draining = true;
    for (const session of this.#open) session.close();
  }

  /** Lets the server go. */
  release(): void {
    this.#off?.();
  }

  #began(session: ServerHttp2Session): void {
    const socket = session.socket as Marked;
    const connection = socket[itself] ?? socket._parent;
    if (!this.#ours.has(connection as Socket)) return;
    this.#open.add(session);
    session.once('close', () => this.#open.delete(session));
    // The handshake of TLS can take longer than until the drain.
    if (this.#draining) session.close();
  }
}
