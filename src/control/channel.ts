import type { Socket } from 'node:net';
import { errnoOf } from '../errors/system.js';
import { LineSplitter, LineTooLong } from './lines.js';
import { MalformedMessage } from './messages.js';

/** What happens on a channel. */
export interface ChannelEvents<In> {
  message(message: In): void;
  /** What to tell the peer before the connection is closed because of what it sent; undefined for nothing. */
  refuse(malformed: MalformedMessage): object | undefined;
  /** Once, whatever ended it; with the reason if what the peer sent could not be understood. */
  closed(malformed: MalformedMessage | undefined): void;
}

/**
 * A control connection: one JSON object a line. Harm that a peer does ends this connection and nothing else (I8), and
 * what a peer does not read is not buffered without end: the sender asks {@link Channel.backedUp} first.
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
    // The peer is gone or has closed its side; either way the hold is over.
    socket.on('end', () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#events.closed(this.#malformed));
  }

  /** Whether what was sent before still waits to be read. */
  get backedUp(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Calls once when the peer has read what waited. */
  whenRead(call: () => void): void {
    this.#socket.once('drain', call);
  }

  /** Sends a message; nothing happens if the connection is over, since `closed` tells of that. */
  send(message: object): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  /** Sends a last message, if any, and closes. */
  end(message?: object): void {
    if (message) this.send(message);
    this.#socket.end();
  }

  /** Sends a last message, and waits for the end of the connection: whatever comes until then is read and means nothing. */
  deafen(message: object): void {
    this.#deaf = true;
    this.end(message);
  }

  /** Closes at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Lets the connection keep the process alive, or not. */
  keepAlive(alive: boolean): void {
    if (alive) this.#socket.ref();
    else this.#socket.unref();
  }
}

/** Only what the peer sent is the peer's fault: a mistake of ours must not hide behind it. */
function isPeersFault(error: unknown): error is Error {
  if (error instanceof MalformedMessage || error instanceof LineTooLong) return true;
  return errnoOf(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA';
}
