import type { Server } from 'node:net';

/** How many sockets each server serves. */
const users = new WeakMap<Server, number>();

/** What Node does when an HTTP server begins to listen: it starts to check headersTimeout and requestTimeout. */
type OnListening = (this: Server) => void;

/**
 * Makes Node enforce headersTimeout and requestTimeout of an HTTP server that does not listen itself. Returns a
 * function that ends that. Only Node's own listener is called, because the user's listeners expect an address.
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

/** The listeners that each HTTP server has when it is created. The module that made the server is loaded already. */
function ownListeners(): ReadonlySet<unknown> {
  return new Set(process.getBuiltinModule('node:http').createServer().listeners('listening'));
}

/** The timer would keep the server in memory. Node stops it only when a listening server is closed. */
function stopChecking(server: Server): void {
  const key = Object.getOwnPropertySymbols(server).find(
    ({ description }) => description === 'http.server.connectionsCheckingInterval',
  );
  if (key) clearInterval((server as unknown as Record<symbol, NodeJS.Timeout>)[key]);
}
