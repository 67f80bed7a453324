import type { Socket } from 'node:net';
import { deferred } from '../deferred.js';
import type { Place } from '../files/place.js';
import { LineSplitter } from './lines.js';
import { parseToMember, type ToOwner } from './messages.js';
import { connectToOwner } from './to-owner.js';

/** How an anchor ended, before its member's own connection or together with it. */
export type AnchorEnd =
  /** No process has its descriptor open any more, or a process shut it down. */
  | 'closed'
  /** The owner ended or was lost. A successor does not know the anchor. */
  | 'owner-lost';

/** A connection that does nothing but stay open. Writes to it are ignored, and reads find its end. */
export interface Anchor {
  /** This process's copy. Destroy it, never end it: an end would reach all processes that inherited it. */
  readonly socket: Socket;
  readonly ended: Promise<AnchorEnd>;
}

/** The anchor of one member: a second connection to its owner, opened when it is first requested. */
export class MemberAnchor {
  readonly #place: Place;
  readonly #timeoutMs: number;
  /** Created before the anchor opens: its end may be reported while we still wait for the answer. */
  readonly #ended = deferred<AnchorEnd>();

  /** @param timeoutMs - how long to wait for the owner */
  constructor(place: Place, timeoutMs: number) {
    this.#place = place;
    this.#timeoutMs = timeoutMs;
  }

  /** Opens the anchor. Returns undefined if the owner that knows the key is gone. */
  async open(key: string): Promise<Anchor | undefined> {
    const socket = await openAnchor(this.#place, key, this.#timeoutMs);
    return socket && { socket, ended: this.#ended.promise };
  }

  /** The owner reported the anchor's end. */
  ended(how: AnchorEnd): void {
    this.#ended.resolve(how);
  }
}

/** Connects to the owner as an anchor of the member with the key. Returns undefined if that owner is gone. */
async function openAnchor(place: Place, key: string, timeoutMs: number): Promise<Socket | undefined> {
  // Half-open: an end from the owner's side must not end the connection for the processes that inherit it.
  const connected = await connectToOwner(place, `keep a reference to ${place.path} open`, { allowHalfOpen: true });
  const socket = typeof connected === 'string' ? undefined : connected;
  if (!socket || (await isAnchored(socket, key, timeoutMs))) return socket;
  socket.destroy();
  return undefined;
}

/** Whether the owner accepts the anchor; false if the owner goes, does not answer, or is not the member's owner. */
async function isAnchored(socket: Socket, key: string, timeoutMs: number): Promise<boolean> {
  const answered = deferred<boolean>();
  const lines = new LineSplitter();
  const hear = (chunk: Buffer): void => {
    try {
      lines.push(chunk, (line) => {
        answered.resolve(parseToMember(line).type === 'anchored');
        return false;
      });
    } catch {
      // Any other answer comes from an owner that does not know anchors.
      answered.resolve(false);
    }
  };
  const fail = (): void => answered.resolve(false);
  socket.on('data', hear).on('end', fail).on('close', fail).on('error', fail);
  const timer = setTimeout(fail, timeoutMs);
  socket.write(`${JSON.stringify({ type: 'anchor', key } satisfies ToOwner)}\n`);
  const taken = await answered.promise;
  clearTimeout(timer);
  socket.off('data', hear).pause();
  return taken;
}
