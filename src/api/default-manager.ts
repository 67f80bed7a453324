import type { SocketManager } from './manager.js';
import { shared } from './shared.js';

/** The manager of this thread; made at first need, and again after it was closed. */
export function defaultManager(create: () => SocketManager): SocketManager {
  return shared('sockref.defaultManager.1', create, isOpen);
}

function isOpen(manager: SocketManager): boolean {
  return !manager.closed;
}
