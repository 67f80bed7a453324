import type { Server } from 'node:net';

/** How many sockets each server serves. */
const users = new WeakMap<Server, number>();

/** What Node itself does when an HTTP server begins to listen: it starts to check headersTimeout and requestTimeout. */
type OnListening = (this: Server) => void;

/**
 * Has Node enforce headersTimeout and requestTimeout of an HTTP server that does not listen itself; returns what ends that.
 * Nothing but Node's own listener is called, since those of the user count on an address.
 */
export function checkTimeouts(server: Server | undefined): () => void {
  if (!server || !('requestTimeout' in server)) return () => {};
  const before = users.get(server) ?? 0;
  users.set(server, before + 1);
  if (before === 0 && !server.listening) {
    const own = ownListeners();
    for (const each of server.listeners('listening')) if (own.has(each)) (each as OnListening).call(server);
  }
  let over = false;
  return () => {
    if (over) return;
    over = true;
    const left = (users.get(server) ?? 1) - 1;
    users.set(server, left);
    if (left === 0 && !server.listening) stopChecking(server);
  };
}

/** What each HTTP server has from its beginning. The module is loaded already, by who made the server. */
function ownListeners(): ReadonlySet<unknown> {
  return new Set(process.getBuiltinModule('node:http').createServer().listeners('listening'));
}

/** The timer would keep the server in memory. Node stops it only when a server that listens is closed. */
function stopChecking(server: Server): void {
  const key = Object.getOwnPropertySymbols(server).find(
    ({ description }) => description === 'http.server.connectionsCheckingInterval',
  );
  if (key) clearInterval((server as unknown as Record<symbol, NodeJS.Timeout>)[key]);
}
