import type { Surroundings } from '../sharing/settings.js';
import type { Endpoint } from './endpoint.js';
import type { Slot } from './slot.js';

/** What an endpoint needs of the manager that it belongs to. */
export interface EndpointHost extends Surroundings {
  readonly maxReferences: number;
  /** It listens here now. */
  started(endpoint: Endpoint): void;
  /** It was served here, and is not any more. */
  stopped(endpoint: Endpoint): void;
  /** A reference was given out. */
  acquired(endpoint: Endpoint): void;
  /** A reference was released. */
  released(endpoint: Endpoint): void;
  /** It goes on with another owner, or as owner. */
  failedOver(endpoint: Endpoint): void;
  /** Its references were lost. */
  lost(endpoint: Endpoint, reason: Error): void;
  /** A reference was collected without having been closed. */
  leaked(endpoint: Endpoint, slot: Slot): void;
  /** It is over, and the next acquire of its path needs a new one. */
  gone(endpoint: Endpoint): void;
}
