import { connect, type Socket } from 'node:net';
import { deferred } from '../deferred.js';
import { lstatIfThere } from '../files/identity.js';
import type { Place } from '../files/place.js';
import { ownUid } from '../files/platform.js';
import { Channel } from './channel.js';
import { connected } from './connected.js';
import { type MalformedMessage, parseToMember, type ToMember, type ToOwner } from './messages.js';

// How a process speaks to the owner of an endpoint: only over the control socket, and only if that belongs to this user. In a
// shared directory anyone could have put another one there.

/**
 * Connects to the control socket of an endpoint. Resolves to undefined if there is none of this user; rejects with the error of
 * the system if nobody listens there, or the queue is full.
 *
 * @param options - `allowHalfOpen`: Node does not shut it down when the owner has said its last word
 * @throws at once, if it cannot be found out what lies there
 */
export function connectToOwner(
  { directory, names }: Place,
  options?: { readonly allowHalfOpen: true },
): Promise<Socket | undefined> {
  const at = directory.at(names.control);
  const stats = lstatIfThere(at);
  if (!stats?.isSocket() || Number(stats.uid) !== ownUid()) return Promise.resolve(undefined);
  const socket = connect({ path: at, ...options });
  return connected(socket).then(
    () => socket,
    (error: unknown) => {
      socket.destroy();
      throw error;
    },
  );
}

/** What came of a question. */
export type Reply =
  | { readonly kind: 'answered'; readonly message: ToMember }
  /** The connection failed. */
  | { readonly kind: 'failed'; readonly error: unknown }
  /** It ended without an answer; with the reason, if what came could not be understood. */
  | { readonly kind: 'closed'; readonly malformed: MalformedMessage | undefined }
  | { readonly kind: 'late' };

/**
 * Asks one question over a connection, waits for one answer, and closes the connection.
 *
 * @param isAnswer - which message is the answer; others are passed over
 * @param timeoutMs - may be infinite
 */
export async function askOwner(
  socket: Socket,
  question: ToOwner,
  isAnswer: (message: ToMember) => boolean,
  timeoutMs: number,
): Promise<Reply> {
  const reply = deferred<Reply>();
  socket.once('error', (error) => reply.resolve({ kind: 'failed', error }));
  const channel = new Channel<ToMember>(socket, parseToMember, {
    message: (message) => {
      if (isAnswer(message)) reply.resolve({ kind: 'answered', message });
    },
    refuse: () => undefined,
    closed: (malformed) => reply.resolve({ kind: 'closed', malformed }),
  });
  const timer = Number.isFinite(timeoutMs) ? setTimeout(() => reply.resolve({ kind: 'late' }), timeoutMs) : undefined;
  channel.send(question);
  try {
    return await reply.promise;
  } finally {
    clearTimeout(timer);
    channel.destroy();
  }
}
