import { connect, type Socket } from 'node:net';
import { deferred } from '../deferred.js';
import { lstatIfThere } from '../files/identity.js';
import type { Place } from '../files/place.js';
import { ownUid } from '../files/platform.js';
import { Channel } from './channel.js';
import { connected } from './connected.js';
import { type MalformedMessage, parseToMember, type ToMember, type ToOwner } from './messages.js';

// How a process talks to the owner of an endpoint: only over the control socket, and only if the socket belongs to this
// user. In a shared directory another user could have put a socket there.

/**
 * Connects to the control socket of an endpoint. Resolves to undefined if this user has no socket there. Rejects with
 * the system's error if no owner listens or the queue is full.
 *
 * @param options - `allowHalfOpen`: Node does not shut down our side after the owner's last message
 * @throws at once, if the file at that path cannot be examined
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

/** The outcome of a question. */
export type Reply =
  | { readonly kind: 'answered'; readonly message: ToMember }
  /** The connection failed. */
  | { readonly kind: 'failed'; readonly error: unknown }
  /** The connection ended without an answer; `malformed` is set if what the owner sent could not be understood. */
  | { readonly kind: 'closed'; readonly malformed: MalformedMessage | undefined }
  | { readonly kind: 'late' };

/**
 * Asks one question over a connection, waits for one answer, and closes the connection.
 *
 * @param isAnswer - which message is the answer; others are ignored
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
