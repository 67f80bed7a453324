// The first acquire and a takeover from a dead owner need it. Load it now, not at that moment.
import 'node:module';
import { SocketManager } from './api/manager.js';
import type { AcquireOptions } from './api/options.js';
import type { SocketReference } from './api/reference.js';

export type { ConnectOptions } from './api/connect.js';
export type {
  FaultEvent,
  HealedEvent,
  LeakEvent,
  LostEvent,
  ManagerEvents,
  ReclaimedEvent,
  SocketEvent,
} from './api/events.js';
export type { HolderInfo, ServerInfo, SocketInfo } from './api/info.js';
export type { Limits } from './api/limits.js';
export { SocketManager } from './api/manager.js';
export type { AcquireOptions, SocketManagerOptions } from './api/options.js';
export { SocketReference } from './api/reference.js';
export type { ServerOptions } from './api/server-options.js';
export type { ManagerStats } from './api/stats.js';
export { isSocketReferenceError, SocketReferenceError, type SocketReferenceErrorDetails } from './errors/error.js';
export type { ReclaimRule } from './files/leftovers.js';
export type { SocketReferenceErrorCode } from './protocol/errors.js';
export type { ConnectionHandler, Serve } from './serving/connections.js';

/**
 * Acquires a reference to the socket at a path, on the default manager; see {@link SocketManager.acquire}.
 *
 * @example
 * ```ts
 * import { acquire } from 'sockref';
 *
 * const reference = await acquire('hello.sock', { serve: (socket) => socket.end('hello\n') });
 * const socket = await reference.connect();
 * socket.pipe(process.stdout);
 * socket.on('close', () => reference.close());
 * ```
 */
export function acquire(path?: string, options?: AcquireOptions): Promise<SocketReference> {
  let manager: SocketManager;
  try {
    manager = SocketManager.default;
  } catch (error) {
    // sockref cannot run here: reject as for every other failure. Not an async function, because this is the hot path.
    return Promise.reject(error);
  }
  return manager.acquire(path, options);
}
