import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Answer } from './participant.js';

/** A peer on a control socket, which sends any bytes of the test. */
export class ControlPeer {
  readonly socket: Socket;
  /** Resolves when the other side has ended the connection. */
  readonly closed: Promise<unknown>;
  readonly #heard: Answer[] = [];
  readonly #waiting: (() => void)[] = [];
  #rest = '';
  #over = false;

  constructor(socket: Socket) {
    this.socket = socket;
    // Many tests expect that the connection is cut while this side still writes.
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#over = true;
        this.#wake();
        resolve(undefined);
      });
    });
  }

  /** Connects to the owner of a socket. */
  static async to(path: string): Promise<ControlPeer> {
    const socket = connect(`${path}.ctl`);
    await once(socket, 'connect');
    return new ControlPeer(socket);
  }

  /** Attaches as a member. */
  static async member(path: string, references = 1): Promise<ControlPeer> {
    const peer = await ControlPeer.to(path);
    peer.say({ type: 'hello', v: 1, pid: process.pid, references, canServe: true });
    await peer.hear('welcome');
    return peer;
  }

  /** Every message so far. */
  get heard(): readonly Answer[] {
    return this.#heard;
  }

  say(message: object): void {
    this.socket.write(`${JSON.stringify(message)}\n`);
  }

  /** The next message of a type, or the last one that arrived before this call. */
  async hear(type: string): Promise<Answer> {
    for (;;) {
      const found = this.#heard.findLast((message) => message['type'] === type);
      if (found) return found;
      if (this.#over) throw new Error(`the connection ended without "${type}"`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Waits until the newest message has a field of that value. */
  async hearLast(field: string, value: unknown): Promise<void> {
    while (this.#heard.at(-1)?.[field] !== value) {
      if (this.#over) throw new Error(`the connection ended without ${field} ${value}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Writes the same text again and again, as fast as the peer reads, until it is done or cut off. */
  async flood(what: string | Buffer, times: number): Promise<void> {
    const perWrite = 1000;
    const block = Buffer.from(Buffer.isBuffer(what) ? what : what.repeat(perWrite));
    const writes = Buffer.isBuffer(what) ? times : Math.ceil(times / perWrite);
    for (let written = 0; written < writes && !this.socket.destroyed; written++) {
      if (this.socket.write(block)) continue;
      await new Promise<void>((resolve) => {
        const go = (): void => {
          this.socket.off('drain', go).off('close', go);
          resolve();
        };
        this.socket.on('drain', go).on('close', go);
      });
    }
  }

  leave(): Promise<unknown> {
    this.socket.destroy();
    return this.closed;
  }

  #read(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString()).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#heard.push(JSON.parse(line) as Answer);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** A fake owner: it answers each message with the test's answer, and does nothing else. */
export async function fakeOwner(
  path: string,
  answer: (message: Answer, peer: ControlPeer) => object | undefined,
): Promise<Server> {
  const server = createServer((socket) => {
    const peer = new ControlPeer(socket);
    let answered = 0;
    socket.on('data', () => {
      for (const message of peer.heard.slice(answered)) {
        answered++;
        const said = answer(message, peer);
        if (said) peer.say(said);
      }
    });
  });
  server.listen(`${path}.ctl`);
  await once(server, 'listening');
  return server;
}
