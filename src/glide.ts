import { SocketManager } from './api/manager.js';
import type { SocketReference } from './api/reference.js';
import { shared } from './api/shared.js';
import { SocketReferenceError } from './errors/error.js';
import type { Serve } from './serving/connections.js';

export { SocketReference } from './api/reference.js';

interface State {
  handler: Serve | undefined;
  /** References of sockets that were started without a caller's reference, by path. */
  readonly started: Map<string, SocketReference>;
}

/** The ES module and the CommonJS module share one state, as they share the default manager. */
function state(): State {
  return shared<State>(
    'sockref.glide.1',
    () => ({ handler: undefined, started: new Map() }),
    () => true,
  );
}

/**
 * Sets what serves the sockets that are started from now on: a function, or a `net` or `http` server.
 *
 * @example
 * ```ts
 * SetConnectionHandler((socket) => socket.end('hello'));
 * ```
 */
export function SetConnectionHandler(serve: Serve): void {
  state().handler = serve;
}

/**
 * Starts a new socket in the default directory and resolves to its path. The socket stays up until it is cleaned up.
 *
 * @throws SocketReferenceError `ERR_SOCKREF_NOT_SERVED` if no connection handler was set
 */
export async function StartSocketConnection(): Promise<string> {
  const reference = await StartSocketConnectionWithReference();
  const { started } = state();
  started.set(reference.path, reference);
  reference.signal.addEventListener('abort', () => started.delete(reference.path), { once: true });
  return reference.path;
}

/** Resolves to a reference to the socket at a path, or to a new socket in the default directory. */
export async function StartSocketConnectionWithReference(path?: string): Promise<SocketReference> {
  const { handler } = state();
  if (!handler && path === undefined) {
    const message = 'Nothing would serve a new socket; call SetConnectionHandler first';
    throw new SocketReferenceError('ERR_SOCKREF_NOT_SERVED', message);
  }
  return SocketManager.default.acquire(path, handler && { serve: handler });
}

/** Whether a socket is active in this process; false for any other string. */
export function IsSocketActive(path: string): boolean {
  return SocketManager.default.isSocketActive(path);
}

/** The number of sockets that are active in this process. */
export function GetActiveSocketCount(): number {
  return SocketManager.default.activeSocketCount;
}

/** Ends all sockets of this process at once. A failure is reported as a `fault` of the default manager. */
export function CleanupAllSockets(): void {
  SocketManager.default.cleanupAllSockets().catch(reported);
}

/**
 * Ends one socket at once. If a command serves it, it ends for all its holders, else for this process. A failure is
 * reported as a `fault` of the default manager.
 */
export function ForceCleanupSocket(path: string): void {
  SocketManager.default.forceCleanupSocket(path).catch(reported);
}

/** The manager reports the failure; this call does not wait. */
function reported(): void {}
