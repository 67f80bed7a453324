import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { connected } from '../control/connected.js';
import type { ReferenceState } from '../endpoint/reference-state.js';
import { abortError, SocketReferenceError } from '../errors/error.js';
import { errnoOf, systemError } from '../errors/system.js';
import { foreignFile } from '../files/foreign.js';
import { lstatIfThere } from '../files/identity.js';
import { ownUid } from '../files/platform.js';
import { onAbort } from '../on-abort.js';
import { connectPauseMs, defaultConnectTimeoutMs } from '../protocol/constants.js';
import { checkOptions, isBoolean, isSignal, isTimeout } from './check.js';

/** How a reference connects. */
export interface ConnectOptions {
  /** Milliseconds to wait for a server that is being replaced, or whose queue is full. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Ends the waiting with an `AbortError`. */
  readonly signal?: AbortSignal | undefined;
  /** As in `net.connect`. Default false. */
  readonly allowHalfOpen?: boolean | undefined;
}

/** Errors that mean "not now": no server listens yet, the file is being replaced, or the queue is full. */
const temporary = new Set(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EAGAIN']);

const checks = { timeoutMs: isTimeout, signal: isSignal, allowHalfOpen: isBoolean };

/** Connects to the socket of a reference. It waits while the owner is being replaced. */
export async function connectTo(state: ReferenceState, options: ConnectOptions | undefined): Promise<Socket> {
  checkOptions(options, checks);
  const { timeoutMs = defaultConnectTimeoutMs, signal, allowHalfOpen = false } = options ?? {};
  const { endpoint } = state;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (signal?.aborted) throw abortError(signal);
    if (!state.active) throw endpoint.closedError(state.open);
    if (endpoint.lease) {
      const socket = await attempt(state, allowHalfOpen);
      if (socket) {
        if (!signal?.aborted) return socket;
        socket.destroy();
        continue;
      }
      // A cleaner may have removed the file. An owner knows that at once; a member waits until its owner has looked.
      await endpoint.lease?.repair();
    }
    if (performance.now() >= deadline) throw timeoutError(endpoint.place.path, timeoutMs);
    // The reference may be closed during the attempt or during this wait.
    await wait(
      endpoint.whenChanged(),
      Math.min(endpoint.lease ? connectPauseMs : timeoutMs, deadline - performance.now()),
      signal ? [signal, state.signal()] : [state.signal()],
    );
  }
}

async function attempt(state: ReferenceState, allowHalfOpen: boolean): Promise<Socket | undefined> {
  const { directory, names, path } = state.endpoint.place;
  const at = directory.at(names.data);
  let socket: Socket | undefined;
  try {
    const stats = lstatIfThere(at);
    if (!stats) return undefined;
    // In a shared directory another user can put a socket where ours was removed. Never talk to that one.
    if (!stats.isSocket() || Number(stats.uid) !== ownUid()) throw foreignFile(path, path, stats);
    socket = connect({ path: at, allowHalfOpen });
    await connected(socket);
    return socket;
  } catch (error) {
    socket?.destroy();
    if (temporary.has(errnoOf(error) ?? '')) return undefined;
    throw systemError(error, path, `connect to ${path}`);
  }
}

/** Waits for a change, for at most `ms` milliseconds, or until one of the signals aborts. */
async function wait(change: Promise<void>, ms: number, signals: readonly AbortSignal[]): Promise<void> {
  if (signals.some((signal) => signal.aborted)) return;
  const stop = new AbortController();
  const end = (): void => stop.abort();
  const ignored = signals.map((signal) => onAbort(signal, end));
  // Stopped or aborted: the caller checks which.
  const over = pause(Math.max(0, ms), undefined, { signal: stop.signal }).catch(() => {});
  await Promise.race([change, over]);
  stop.abort();
  for (const ignore of ignored) ignore();
}

function timeoutError(path: string, timeoutMs: number): SocketReferenceError {
  const waitingFor = 'the socket to accept connections';
  const message = `No connection to ${path} within ${timeoutMs} ms; it was waiting for ${waitingFor}; pass a longer timeoutMs`;
  return new SocketReferenceError('ERR_SOCKREF_TIMEOUT', message, { path, timeoutMs, waitingFor });
}
