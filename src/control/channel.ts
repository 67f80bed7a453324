import type { Socket } from 'node:net';
import { errnoOf } from '../errors/system.js';
import { LineSplitter, LineTooLong } from './lines.js';
import { MalformedMessage } from './messages.js';

/** The events of a channel. */
export interface ChannelEvents<In> {
  message(message: In): void;
  /** What to tell the peer before the connection is closed because of a malformed message; undefined for nothing. */
  refuse(malformed: MalformedMessage): object | undefined;
  /**
   * Called once, when the connection has ended for any reason; `malformed` is set if the peer's message could not be
   * understood.
   */
  closed(malformed: MalformedMessage | undefined): void;
}

/**
 * A control connection: one JSON object a line. A faulty peer can end this connection and nothing else (I8). A peer
 * that does not read must not make us buffer without limit: the sender asks {@link Channel.backedUp} first.
 */
export class Channel<In> {
  readonly #socket: Socket;
  readonly #events: ChannelEvents<In>;
  #deaf = false;
  #malformed: MalformedMessage | undefined;

  constructor(socket: Socket, parse: (line: string) => In, events: ChannelEvents<In>) {
    this.#socket = socket;
    this.#events = events;
    const lines = new LineSplitter();
    socket.on('data', (chunk: Buffer) => {
      if (this.#malformed || this.#deaf) return;
      try {
        lines.push(chunk, (line) => {
          events.message(parse(line));
          return !socket.destroyed && !this.#deaf;
        });
      } catch (error) {
        if (!isPeersFault(error)) throw error;
        this.#malformed = error instanceof MalformedMessage ? error : new MalformedMessage(error.message);
        const last = events.refuse(this.#malformed);
        if (last && socket.writable) socket.end(`${JSON.stringify(last)}\n`, () => socket.destroy());
        else socket.destroy();
      }
    });
    // The peer is gone or has closed its side. Both end the membership.
    socket.on('end', () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#events.closed(this.#malformed));
  }

  /** Whether the peer has not yet read what was sent before. */
  get backedUp(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Calls once, when the peer has read what was sent. */
  whenRead(call: () => void): void {
    this.#socket.once('drain', call);
  }

  /** Sends a message. Does nothing if the connection is over, because `closed` reports that. */
  send(message: object): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  /** Sends a last message, if any, and closes the connection. */
  end(message?: object): void {
    if (message) this.send(message);
    this.#socket.end();
  }

  /** Sends a last message, and waits for the end of the connection. Everything received until then is ignored. */
  deafen(message: object): void {
    this.#deaf = true;
    this.end(message);
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Sets whether the connection keeps the process alive. */
  keepAlive(alive: boolean): void {
    if (alive) this.#socket.ref();
    else this.#socket.unref();
  }
}

/** Only malformed input is the peer's fault. An error of our own must not be blamed on the peer. */
function isPeersFault(error: unknown): error is Error {
  if (error instanceof MalformedMessage || error instanceof LineTooLong) return true;
  return errnoOf(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA';
}
