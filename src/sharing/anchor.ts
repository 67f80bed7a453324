import { connect, type Socket } from 'node:net';
import { lstatIfThere } from '../files/identity.js';
import type { Place } from '../files/place.js';
import { ownUid } from '../files/platform.js';
import { connected } from './connected.js';
import { deferred } from './deferred.js';
import { LineSplitter } from './lines.js';
import { parseToMember, type ToOwner } from './messages.js';

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

/** Connects to the owner for an anchor of the member that has the key. Undefined if there is no such owner any more. */
export async function openAnchor(
  { directory, names }: Place,
  key: string,
  timeoutMs: number,
): Promise<Socket | undefined> {
  const at = directory.at(names.control);
  const stats = lstatIfThere(at);
  if (!stats?.isSocket() || Number(stats.uid) !== ownUid()) return undefined;
  // Else Node would shut it down when the owner has said its last word.
  const socket = connect({ path: at, allowHalfOpen: true });
  try {
    await connected(socket);
    if (await isAnchored(socket, key, timeoutMs)) return socket;
  } catch {
    // Nobody listens there any more.
  }
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
