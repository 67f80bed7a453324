import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { errnoOf, systemError } from '../system-errors.js';

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

/** The kernel's table of Unix sockets. */
const socketTable = '/proc/net/unix';

/** Resolves when a connection to the path succeeds; rejects with the signal's reason. */
export async function untilConnectable(path: string, signal: AbortSignal): Promise<void> {
  for await (const _ of looks(signal)) {
    const socket = await tryToConnect(path, signal);
    if (socket) return leave(socket);
  }
}

/**
 * Resolves when a server accepts from a listening socket at which clients can queue without one: by the fate of a connection
 * that is made for this.
 *
 * @param path - by which the socket is reached
 * @param boundPath - to which it was bound, as the kernel lists it
 */
export async function untilAccepted(path: string, boundPath: string, signal: AbortSignal): Promise<void> {
  let probe: Socket | undefined;
  try {
    for await (const _ of looks(signal)) {
      probe = await tryToConnect(path, signal);
      if (probe) break;
    }
    const queued = queuedAt(boundPath);
    if (!queued) return await pause(settledMs, undefined, { signal });
    // Those who came before ours and ours itself: the queue is served in its order, and whoever comes later does not count.
    for await (const _ of looks(signal)) {
      const still = queuedAt(boundPath);
      if (![...queued].some((each) => still?.has(each))) return;
    }
  } finally {
    if (probe) leave(probe);
  }
}

/**
 * Says goodbye as a client does that has nothing to ask, and hears the server out: one that greets its clients would meet
 * an error if nobody listened, and many a server ends at that.
 */
function leave(socket: Socket): void {
  socket.end();
  // Nobody's process is kept by it; what does not close its side after a while is left alone.
  socket.unref();
  const timer = setTimeout(() => socket.destroy(), farewellMs).unref();
  socket.once('close', () => clearTimeout(timer));
}

/** Comes round with growing pauses, until the signal aborts. */
async function* looks(signal: AbortSignal): AsyncGenerator<void> {
  for (let wait = firstPauseMs; ; wait = Math.min(wait * growth, longestPauseMs)) {
    signal.throwIfAborted();
    yield;
    await pause(wait, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

async function tryToConnect(path: string, signal: AbortSignal): Promise<Socket | undefined> {
  const socket = connect({ path });
  try {
    await once(socket, 'connect', { signal });
    // What the server does with it is its own affair.
    socket.on('error', () => {}).resume();
    return socket;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    if (notYet.has(errnoOf(error) ?? '')) return undefined;
    throw systemError(error, path, 'connect to the server');
  }
}

/** The connections that wait to be accepted at a bound path; undefined where the system does not tell. */
function queuedAt(boundPath: string): Set<string> | undefined {
  let table: string;
  try {
    table = readFileSync(socketTable, 'utf8');
  } catch {
    // Not Linux, or /proc is not there.
    return undefined;
  }
  const queued = new Set<string>();
  for (const line of table.split('\n')) {
    // Num RefCount Protocol Flags Type St Inode Path: one that was not accepted has the path, and no inode yet.
    const [number, , , , , , inode, ...path] = line.trim().split(/ +/);
    if (number !== undefined && inode === '0' && path.join(' ') === boundPath) queued.add(number);
  }
  return queued;
}
