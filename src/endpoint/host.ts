import type { Context } from '../context.js';
import type { Endpoint } from './endpoint.js';
import type { ReferenceState } from './reference-state.js';

/** What an endpoint needs of the manager that it belongs to. */
export interface EndpointHost extends Context {
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
  leaked(endpoint: Endpoint, reference: ReferenceState): void;
  /** It is over, and the next acquire of its path needs a new one. */
  gone(endpoint: Endpoint): void;
}
