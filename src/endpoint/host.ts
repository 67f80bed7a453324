import type { Context } from '../context.js';
import type { Endpoint } from './endpoint.js';
import type { ReferenceState } from './reference-state.js';

/** What an endpoint needs from its manager. */
export interface EndpointHost extends Context {
  readonly maxReferences: number;
  /** This process listens for the endpoint now. */
  started(endpoint: Endpoint): void;
  /** This process served the endpoint, and no longer does. */
  stopped(endpoint: Endpoint): void;
  /** A reference was given out. */
  acquired(endpoint: Endpoint): void;
  /** A reference was released. */
  released(endpoint: Endpoint): void;
  /** The endpoint continues with another owner, or with this process as owner. */
  failedOver(endpoint: Endpoint): void;
  /** Its references were lost. */
  lost(endpoint: Endpoint, reason: Error): void;
  /** A reference was garbage-collected before it was closed. */
  leaked(endpoint: Endpoint, reference: ReferenceState): void;
  /** The endpoint is over. The next acquire of its path needs a new one. */
  gone(endpoint: Endpoint): void;
}
