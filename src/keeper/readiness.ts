import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { errnoOf, systemError } from '../errors/system.js';
import { acceptedAt } from './socket-table.js';

/** The first pause between two looks, in milliseconds: about the time that a small server needs to start. */
const firstPauseMs = 1;
/** The longest pause, in milliseconds: the most by which readiness is found late. */
const longestPauseMs = 25;
const growth = 1.5;

/** Where the system does not list accepted connections: one that lives for so many milliseconds counts as accepted. */
const settledMs = 200;

/** How long a server may take to close a connection that its client has ended, in milliseconds. */
const closeTimeoutMs = 5_000;

/** Errors that mean that no server listens yet, or that the queue is full at this moment. */
const notYet = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EAGAIN', 'ENOTSOCK']);

/** Resolves when a connection to the path succeeds. Rejects with the signal's reason. */
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
 * Resolves when a server accepts from a listening socket at which clients can queue before it runs. The first accepted
 * connection shows it. There may be no client, so we make a connection of our own. The queue is served in order. When
 * it is our turn we cannot miss it: the server ends our connection, or has it open and listed.
 *
 * @param path - the path to connect to
 * @param boundPath - the path to which the socket was bound, as the kernel lists it
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

/** Resolves when a server has a process; rejects with the signal's reason, which says why it has none. */
export async function untilSpawned({ pid }: { readonly pid: number | undefined }, signal: AbortSignal): Promise<void> {
  if (pid !== undefined) return;
  // The signal aborts in a moment, with the reason.
  signal.throwIfAborted();
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

/** A connection that is made to see what happens to it. */
class Probe {
  /** What the server has done with it. A broken one was refused, together with all that waited. */
  state: 'queued' | 'served' | 'broken' = 'queued';
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.once('data', () => this.#becomes('served')).once('end', () => this.#becomes('served'));
    socket.on('error', () => this.#becomes('broken'));
    // What the server sends is read and ignored.
    socket.resume();
  }

  /** Tries once. Undefined if no server listens yet, or the queue is full. */
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
   * Ends the connection like a client that has no request, and reads what the server sends: a server that greets its
   * clients would get an error if the connection were closed, and many servers crash on that.
   */
  leave(): void {
    const socket = this.#socket;
    socket.end();
    // It does not keep the process alive. If the server does not close its side in time, the connection is left alone.
    socket.unref();
    const timer = setTimeout(() => socket.destroy(), closeTimeoutMs).unref();
    socket.once('close', () => clearTimeout(timer));
  }

  #becomes(state: 'served' | 'broken'): void {
    if (this.state === 'queued') this.state = state;
  }
}

/** Yields after growing pauses, until the signal aborts. */
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
