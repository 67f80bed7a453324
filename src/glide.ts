import { SocketManager } from './api/manager.js';
import type { SocketReference } from './api/reference.js';
import { shared } from './api/shared.js';
import { SocketReferenceError } from './errors/error.js';
import type { Serve } from './serving/connections.js';

export { SocketReference } from './api/reference.js';

interface State {
  handler: Serve | undefined;
  /** References that nobody else holds: sockets that were started by their path alone. */
  readonly started: Map<string, SocketReference>;
}

/** One for the ES module and the CommonJS one, as the manager is. */
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
 * Starts a new socket in the default directory that stays up until it is cleaned up, and resolves to its path.
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

/** A reference to the socket at a path, or to a new one in the default directory. */
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

/** How many sockets are active in this process. */
export function GetActiveSocketCount(): number {
  return SocketManager.default.activeSocketCount;
}

/** Ends all sockets of this process, at once; a failure is reported as a `fault` of the default manager. */
export function CleanupAllSockets(): void {
  SocketManager.default.cleanupAllSockets().catch(reported);
}

/**
 * Ends one socket of this process, at once, and one that a command serves wherever it is held; a failure is reported as a
 * `fault` of the default manager.
 */
export function ForceCleanupSocket(path: string): void {
  SocketManager.default.forceCleanupSocket(path).catch(reported);
}

/** The manager tells of it by itself; here nobody waits. */
function reported(): void {}
