import type { Clock } from '../clock.js';
import { listenerOf } from '../files/publish.js';
import { DataListener, type Serve } from './data-listener.js';
import type { Service } from './service.js';
import type { OwnerSettings, Surroundings } from './settings.js';

/** A handler, or a server, of this process as what stands behind a socket. */
export function handlerService(
  serve: Serve,
  { maxConnections, drainTimeoutMs }: OwnerSettings,
  surroundings: Surroundings,
  path: string,
): Service {
  const listener = new DataListener(serve, maxConnections, surroundings, path);
  return listenerService(listener, drainTimeoutMs, surroundings.clock);
}

/** What accepts connections as what stands behind a socket. */
export function listenerService(listener: DataListener, drainTimeoutMs: number, clock: Clock): Service {
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
    letGo: () => listener.letGo(),
  };
}
