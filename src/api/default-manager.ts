import type { SocketManager } from './manager.js';

/** The name under which all copies of the package in a thread find the same manager; with the version of its shape. */
const key: unique symbol = Symbol.for('sockref.defaultManager.1') as never;

/** The manager of this thread; made at first need, and again after it was closed. */
export function defaultManager(create: () => SocketManager): SocketManager {
  const global = globalThis as { [key]?: SocketManager };
  const known = global[key];
  if (known && !known.closed) return known;
  const manager = create();
  // Not enumerable: it must not show up where globals are listed or compared.
  Object.defineProperty(globalThis, key, { value: manager, configurable: true, enumerable: false, writable: true });
  return manager;
}
