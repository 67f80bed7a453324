import type { Clock } from '../clock.js';
import type { Context } from '../context.js';
import { listenerOf } from '../files/publish.js';
import { Connections, type Serve } from './connections.js';
import type { Server } from './server.js';

/** Makes the server of an endpoint from a handler or server in this process. */
export function inProcessServer(
  serve: Serve,
  { maxConnections, drainTimeoutMs }: { readonly maxConnections: number; readonly drainTimeoutMs: number },
  context: Context,
  path: string,
): Server {
  const listener = new Connections(serve, maxConnections, context, path);
  return listenerServer(listener, drainTimeoutMs, context.clock);
}

/** Makes the server of an endpoint from a listener. */
export function listenerServer(listener: Connections, drainTimeoutMs: number, clock: Clock): Server {
  const { stats } = listener;
  return {
    stats,
    stopTimeoutMs: drainTimeoutMs,
    recorded: [],
    description: undefined,
    get busy() {
      return stats.open > 0;
    },
    reachable: true,
    source: () => listenerOf(listener.createServer()),
    stop: () => listener.drain(drainTimeoutMs, clock),
    detach: () => listener.detach(),
  };
}
