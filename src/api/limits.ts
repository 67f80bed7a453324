import { SocketReferenceError } from '../errors/error.js';
import { defaultLimits } from '../protocol/constants.js';
import { isLimit } from './check.js';

/**
 * Upper bounds of a manager; all are positive safe integers. A call that would exceed one fails with
 * `ERR_SOCKREF_LIMIT_EXCEEDED`, which names the limit, and changes no count.
 */
export interface Limits {
  /** Sockets that are active, starting or stopping in this manager at once. Default 1,024. */
  readonly maxSockets?: number | undefined;
  /** References to one socket, of all processes. Default 65,536. */
  readonly maxReferencesPerSocket?: number | undefined;
  /** Other processes and threads that share a socket owned by this process. Default 1,024. */
  readonly maxMembersPerSocket?: number | undefined;
  /** Open connections to a socket served by this process; further ones are closed at once. Default 4,096. */
  readonly maxConnectionsPerSocket?: number | undefined;
  /** Acquires that wait at once. Default 4,096. */
  readonly maxPendingAcquires?: number | undefined;
  /** Clean-ups that begin in one turn of the event loop. Default 16. */
  readonly cleanupConcurrency?: number | undefined;
}

/** {@link Limits} with a value for each. */
export type ResolvedLimits = { readonly [Name in keyof Limits]-?: number };

/** How each limit is checked. */
export const limitChecks = Object.fromEntries(Object.keys(defaultLimits).map((name) => [name, isLimit]));

/** Fills in the defaults of checked limits. */
export function resolveLimits(limits: Limits | undefined): ResolvedLimits {
  const given = Object.entries(limits ?? {}).filter(([, value]) => value !== undefined);
  return { ...defaultLimits, ...Object.fromEntries(given) };
}

/** The error that a limit is met. `what` are the words for what the limit counts. */
export function limitExceeded(
  limit: string,
  max: number,
  what: string,
  path: string | undefined,
): SocketReferenceError {
  const message = `${max} ${what}, and ${limit} allows no more; release some, or raise the limit`;
  return new SocketReferenceError('ERR_SOCKREF_LIMIT_EXCEEDED', message, { ...(path && { path }), limit, max });
}
