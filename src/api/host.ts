import { systemClock } from '../clock.js';
import type { CleanUps } from '../endpoint/clean-ups.js';
import type { Endpoint } from '../endpoint/endpoint.js';
import type { EndpointHost } from '../endpoint/host.js';
import type { ManagerEvents, SocketEvent } from './events.js';
import type { ManagerCounters } from './stats.js';

/** What a manager gives to the host of its endpoints. */
export interface HostParts {
  readonly counters: ManagerCounters;
  readonly cleanUps: CleanUps;
  readonly maxReferences: number;
  heard(name: keyof ManagerEvents): boolean;
  tell<Name extends keyof ManagerEvents>(name: Name, event: ManagerEvents[Name][0]): void;
  gone(endpoint: Endpoint): void;
}

/** Counts what endpoints report, and turns it into the events of their manager. */
export function createHost({ counters, cleanUps, maxReferences, heard, tell, gone }: HostParts): EndpointHost {
  const simple = (name: 'started' | 'stopped' | 'failover') => (endpoint: Endpoint) => {
    counters[name]++;
    if (heard(name)) tell(name, eventOf(endpoint));
  };
  return {
    clock: systemClock,
    maxReferences,
    cleanUp: (work) => cleanUps.run(work),
    reclaimed: (path, pid, files) => {
      counters.reclaimed++;
      tell('reclaimed', { path, pid, files });
    },
    healed: (path, files) => {
      counters.healed++;
      tell('healed', { path, files });
    },
    fault: (path, error) => {
      counters.faults++;
      tell('fault', { path, error });
    },
    started: simple('started'),
    stopped: simple('stopped'),
    // These two happen for each reference: they are written out, and an event without listeners is not built.
    acquired: (endpoint) => {
      counters.acquired++;
      if (heard('acquired')) tell('acquired', eventOf(endpoint));
    },
    released: (endpoint) => {
      counters.released++;
      if (heard('released')) tell('released', eventOf(endpoint));
    },
    failedOver: simple('failover'),
    lost: (endpoint, reason) => {
      counters.lost++;
      // These references no longer count, although the endpoint may still count them at this moment.
      tell('lost', { ...eventOf(endpoint), references: 0, reason });
    },
    leaked: (endpoint, { trace }) => {
      counters.leaked++;
      tell('leak', { ...eventOf(endpoint), trace });
    },
    gone,
  };
}

function eventOf(endpoint: Endpoint): SocketEvent {
  return { path: endpoint.place.path, references: endpoint.references, role: endpoint.role };
}
