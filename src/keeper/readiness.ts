import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { errnoOf, systemError } from '../errors/system.js';
import { acceptedAt } from './socket-table.js';

/** The first pause between two looks, in milliseconds: about what a small server needs to start. */
const firstPauseMs = 1;
/** The longest: so much later than it could have been is a server found ready, at most. */
const longestPauseMs = 25;
const growth = 1.5;

/** Where the system does not tell who was accepted: what has lived for so many milliseconds is taken for ready. */
const settledMs = 200;

/** How long a server may take to close a connection that its client has ended, in milliseconds. */
const farewellMs = 5_000;

/** Answers that mean that nobody listens yet, or cannot take more at this moment. */
const notYet = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EAGAIN', 'ENOTSOCK']);

/** Resolves when a connection to the path succeeds; rejects with the signal's reason. */
export async function untilConnectable(path: string, signal: AbortSignal): Promise<void> {
  for await (const _ of looks(signal)) {
    const probe = await Probe.connect(path, signal);
    if (probe) return probe.leave();
  }
}

/** Whether a connection succeeds now, or would if fewer clients were waiting. */
export async function accepts(at: string, path: string): Promise<boolean> {
  const socket = connect({ path: at });
  try {
    await once(socket, 'connect');
    new Probe(socket).leave();
    return true;
  } catch (error) {
    socket.destroy();
    const errno = errnoOf(error) ?? '';
    if (errno === 'EAGAIN') return true;
    if (notYet.has(errno)) return false;
    throw systemError(error, path, 'connect to the server');
  }
}

/**
 * Resolves when a server accepts from a listening socket at which clients can queue without one.
 *
 * Whoever is accepted first shows it. That anybody comes is not certain, so there is a connection of our own; the queue is
 * served in its order, and when it is our turn we cannot miss it: the server ends it, or has it open and listed.
 *
 * @param path - by which the socket is reached
 * @param boundPath - to which it was bound, as the kernel lists it
 */
export async function untilAccepted(path: string, boundPath: string, signal: AbortSignal): Promise<void> {
  const before = acceptedAt(boundPath);
  let probe: Probe | undefined;
  try {
    for await (const _ of looks(signal)) {
      if (!probe || probe.state === 'broken') probe = await Probe.connect(path, signal);
      if (probe?.state === 'served') return;
      const accepted = acceptedAt(boundPath);
      if (accepted && before) {
        if ([...accepted].some((inode) => !before.has(inode))) return;
      } else if (probe) {
        await pauseUnlessAborted(settledMs, signal);
        return;
      }
    }
  } finally {
    probe?.leave();
  }
}

/** A connection that is made to see what becomes of it. */
class Probe {
  /** Whether the server has done anything with it. One that breaks was turned away, with all who waited. */
  state: 'queued' | 'served' | 'broken' = 'queued';
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.once('data', () => this.#becomes('served')).once('end', () => this.#becomes('served'));
    socket.on('error', () => this.#becomes('broken'));
    // What the server says is of no interest, but it is heard.
    socket.resume();
  }

  /** Tries once; undefined if nobody listens yet, or no more can wait. */
  static async connect(path: string, signal: AbortSignal): Promise<Probe | undefined> {
    const socket = connect({ path });
    try {
      await once(socket, 'connect', { signal });
      return new Probe(socket);
    } catch (error) {
      socket.destroy();
      signal.throwIfAborted();
      if (notYet.has(errnoOf(error) ?? '')) return undefined;
      throw systemError(error, path, 'connect to the server');
    }
  }

  /**
   * Says goodbye as a client does that has nothing to ask, and hears the server out: one that greets its clients would meet
   * an error if nobody listened, and many a server ends at that.
   */
  leave(): void {
    const socket = this.#socket;
    socket.end();
    // Nobody's process is kept by it; what does not close its side after a while is left alone.
    socket.unref();
    const timer = setTimeout(() => socket.destroy(), farewellMs).unref();
    socket.once('close', () => clearTimeout(timer));
  }

  #becomes(state: 'served' | 'broken'): void {
    if (this.state === 'queued') this.state = state;
  }
}

/** Comes round with growing pauses, until the signal aborts. */
async function* looks(signal: AbortSignal): AsyncGenerator<void> {
  for (let wait = firstPauseMs; ; wait = Math.min(wait * growth, longestPauseMs)) {
    signal.throwIfAborted();
    yield;
    await pauseUnlessAborted(wait, signal);
  }
}

/** Rejects with the signal's own reason. */
async function pauseUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
