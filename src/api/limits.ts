import { defaultLimits } from '../protocol/constants.js';
import { isLimit } from './check.js';

/**
 * Upper bounds of a manager; all are positive safe integers. Meeting one is a `ERR_SOCKREF_LIMIT_EXCEEDED` that names it,
 * and changes no count.
 */
export interface Limits {
  /** Sockets that are active, starting or stopping here at once. Default 1,024. */
  readonly maxSockets?: number | undefined;
  /** References to one socket, everywhere. Default 65,536. */
  readonly maxReferencesPerSocket?: number | undefined;
  /** Other processes and threads that share a socket owned here. Default 1,024. */
  readonly maxMembersPerSocket?: number | undefined;
  /** Connections to a socket served here; more are closed at once. Default 4,096. */
  readonly maxConnectionsPerSocket?: number | undefined;
  /** Acquires that wait at once. Default 4,096. */
  readonly maxPendingAcquires?: number | undefined;
  /** Clean-ups that are begun in one turn of the event loop. Default 16. */
  readonly cleanupConcurrency?: number | undefined;
}

/** {@link Limits}, each with its value. */
export type ResolvedLimits = { readonly [Name in keyof Limits]-?: number };

/** How each limit is checked. */
export const limitChecks = Object.fromEntries(Object.keys(defaultLimits).map((name) => [name, isLimit]));

/** Fills in the defaults of limits that were checked. */
export function resolveLimits(limits: Limits | undefined): ResolvedLimits {
  const given = Object.entries(limits ?? {}).filter(([, value]) => value !== undefined);
  return { ...defaultLimits, ...Object.fromEntries(given) };
}
