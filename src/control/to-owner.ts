import { connect, type Socket } from 'node:net';
import { deferred } from '../deferred.js';
import { errnoOf, systemError } from '../errors/system.js';
import { lstatIfThere } from '../files/identity.js';
import type { Place } from '../files/place.js';
import { ownUid } from '../files/platform.js';
import { Channel } from './channel.js';
import { connected, isAway } from './connected.js';
import { type MalformedMessage, parseToMember, type ToMember, type ToOwner } from './messages.js';

// How a process talks to the owner of an endpoint: only over the control socket, and only if the socket belongs to this
// user. In a shared directory another user could have put a socket there.

/** Why there is no connection: no owner listens, and the lock tells why; or its accept queue is full. */
type NotConnected = 'no-owner' | 'busy';

/**
 * Connects to the control socket of this user's owner.
 *
 * @param doing - the operation, as in "cannot <doing>"
 * @param options - `allowHalfOpen`: Node does not shut down our side after the owner's last message
 * @throws SocketReferenceError if this process could not connect, which says nothing about the owner
 */
export async function connectToOwner(
  place: Place,
  doing: string,
  options?: { readonly allowHalfOpen: true },
): Promise<Socket | NotConnected> {
  try {
    return await connectTo(place.directory.at(place.names.control), options);
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN') return 'busy';
    if (isAway(error)) return 'no-owner';
    throw systemError(error, place.path, doing);
  }
}

async function connectTo(
  at: string,
  options: { readonly allowHalfOpen: true } | undefined,
): Promise<Socket | 'no-owner'> {
  const stats = lstatIfThere(at);
  if (!stats?.isSocket() || Number(stats.uid) !== ownUid()) return 'no-owner';
  const socket = connect({ path: at, ...options });
  try {
    await connected(socket);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
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
