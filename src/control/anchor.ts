import type { Socket } from 'node:net';
import { deferred } from '../deferred.js';
import type { Place } from '../files/place.js';
import { LineSplitter } from './lines.js';
import { parseToMember, type ToOwner } from './messages.js';
import { connectToOwner } from './to-owner.js';

/** How an anchor ended while its member's own connection was open, or with that. */
export type AnchorEnd =
  /** Nobody has its descriptor open any more, or somebody has shut it down. */
  | 'closed'
  /** The owner has ended or was lost: a successor knows nothing of it. */
  | 'owner-lost';

/** A connection that does nothing but be open: whatever is written to it is ignored, and what is read from it is at its end. */
export interface Anchor {
  /** This process's copy. To be destroyed, never ended: that would end it for all who have inherited it. */
  readonly socket: Socket;
  readonly ended: Promise<AnchorEnd>;
}

/** The anchor of one member: a second connection to its owner, opened when it is asked for. */
export class MemberAnchor {
  readonly #place: Place;
  readonly #timeoutMs: number;
  /** Known before it is open: its end may be told while we still wait for the answer. */
  readonly #ended = deferred<AnchorEnd>();

  /** @param timeoutMs - how long the owner is waited for */
  constructor(place: Place, timeoutMs: number) {
    this.#place = place;
    this.#timeoutMs = timeoutMs;
  }

  /** Undefined if the owner that knows the key is gone. */
  async open(key: string): Promise<Anchor | undefined> {
    const socket = await openAnchor(this.#place, key, this.#timeoutMs);
    return socket && { socket, ended: this.#ended.promise };
  }

  /** Its end was told. */
  ended(how: AnchorEnd): void {
    this.#ended.resolve(how);
  }
}

/** Connects to the owner for an anchor of the member that has the key. Undefined if there is no such owner any more. */
async function openAnchor(place: Place, key: string, timeoutMs: number): Promise<Socket | undefined> {
  // Where it fails nobody listens any more. Half-open: an end from the owner's side must not end it for all who inherit it.
  const socket = await connectToOwner(place, { allowHalfOpen: true }).catch(() => undefined);
  if (!socket || (await isAnchored(socket, key, timeoutMs))) return socket;
  socket.destroy();
  return undefined;
}

/** Whether the owner takes it; false if it goes, does not answer, or is another one than the member's. */
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
      // Whatever it is, it is no owner that knows anchors.
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
