import type { ReclaimRule } from '../files/leftovers.js';
import type { OwnerSettings } from '../ownership/settings.js';
import {
  defaultDrainTimeoutMs,
  defaultFailoverTimeoutMs,
  defaultHealIntervalMs,
  defaultSocketMode,
  defaultTimeoutMs,
  maxLabelLength,
} from '../protocol/constants.js';
import type { Serve } from '../serving/connections.js';
import type { ServerSpec } from '../serving/server-spec.js';
import * as check from './check.js';
import { type Limits, limitChecks, type ResolvedLimits, resolveLimits } from './limits.js';
import { checkServerOptions, resolveServerOptions, type ServerOptions } from './server-options.js';

/** How a socket is acquired. The first acquire sets most options; later ones share the socket as it is. */
export interface AcquireOptions {
  /**
   * What gets the connections if this process becomes the owner: a function, or a `net`, `http` or `tls` server. Do not
   * call its `listen()`. Without `serve` and `server` the acquire can only join a socket that is served.
   */
  readonly serve?: Serve | undefined;
  /**
   * A command that runs as the server if the socket is not served yet. It runs as long as any process holds a
   * reference, also after this process has ended. Excludes `serve`.
   */
  readonly server?: ServerOptions | undefined;
  /** Permission bits of the socket file. Default `0o600`: only this user can connect. */
  readonly mode?: number | undefined;
  /** Milliseconds that the socket stays up after its last reference is closed. Default 0. */
  readonly lingerMs?: number | undefined;
  /**
   * Milliseconds that open connections get to end when the socket stops. Default 5,000. Excludes `server`, whose
   * connections belong to the command: it has `stopTimeoutMs`.
   */
  readonly drainTimeoutMs?: number | undefined;
  /** Milliseconds after which the acquire fails with `ERR_SOCKREF_TIMEOUT`. Default 20,000. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds that references survive the loss of their owner while a new owner is sought. Default 10,000. */
  readonly failoverTimeoutMs?: number | undefined;
  /**
   * What may be removed from the socket's path. `'recorded'` (default): what the record of a dead owner names.
   * `'stale'`: also any socket of this user that refuses connections.
   */
  readonly reclaim?: ReclaimRule | undefined;
  /** A name for this holder, shown in listings; at most 200 characters. */
  readonly label?: string | undefined;
  /** Ends the wait: the acquire rejects with an `AbortError`. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a manager. */
export interface SocketManagerOptions {
  /** Upper bounds; see {@link Limits}. */
  readonly limits?: Limits | undefined;
  /** Directories, with all below them, that sockets may be in. Default: any safe directory. */
  readonly allowedDirectories?: readonly string[] | undefined;
  /** Whether each reference remembers the stack of its acquire, for `leak` events. This is slow. Default false. */
  readonly traceLeaks?: boolean | undefined;
  /** Milliseconds between two checks of an owner's files. Default 5,000. */
  readonly healIntervalMs?: number | undefined;
}

const acquireChecks = {
  serve: check.isServe,
  server: check.isRecord,
  mode: check.isMode,
  lingerMs: check.isDuration,
  drainTimeoutMs: check.isDuration,
  timeoutMs: check.isTimeout,
  failoverTimeoutMs: check.isTimeout,
  reclaim: check.oneOf('recorded', 'stale'),
  label: check.isText(maxLabelLength),
  signal: check.isSignal,
};

const managerChecks = {
  limits: check.isRecord,
  allowedDirectories: check.isPathList,
  traceLeaks: check.isBoolean,
  healIntervalMs: check.isTimeout,
};

/** Checked manager options with a value for each. */
export interface ResolvedManagerOptions {
  readonly limits: ResolvedLimits;
  readonly allowedDirectories: readonly string[] | undefined;
  readonly traceLeaks: boolean;
  readonly healIntervalMs: number;
}

/** Checked acquire options with a value for each. */
export interface ResolvedAcquireOptions {
  readonly serverSpec: ServerSpec | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly settings: OwnerSettings;
}

/** Checks manager options and fills in the defaults. */
export function resolveManagerOptions(options: SocketManagerOptions | undefined): ResolvedManagerOptions {
  check.checkOptions(options, managerChecks);
  check.checkOptions(options?.limits, limitChecks, 'limits.');
  return {
    limits: resolveLimits(options?.limits),
    allowedDirectories: options?.allowedDirectories && [...options.allowedDirectories],
    traceLeaks: options?.traceLeaks ?? false,
    healIntervalMs: options?.healIntervalMs ?? defaultHealIntervalMs,
  };
}

/** Checks acquire options and does nothing else, because most acquires only share. */
export function checkAcquireOptions(options: AcquireOptions | undefined): void {
  check.checkOptions(options, acquireChecks);
  if (options?.server === undefined) return;
  checkServerOptions(options.server);
  if (options.serve !== undefined) throw check.conflictingOptions('serve', 'server', 'one of them serves the socket');
  if (options.drainTimeoutMs !== undefined) {
    const why = 'the connections are those of the command, which gets server.stopTimeoutMs to end';
    throw check.conflictingOptions('drainTimeoutMs', 'server', why);
  }
}

/** What the options say to serve with; undefined if the acquire can only join. */
export function serverSpecOf(options: AcquireOptions | undefined): ServerSpec | undefined {
  if (options?.serve !== undefined) return { kind: 'handler', serve: options.serve };
  return options?.server && { kind: 'command', server: resolveServerOptions(options.server) };
}

/** Fills in the defaults of checked acquire options. */
export function resolveAcquireOptions(
  options: AcquireOptions | undefined,
  { limits, healIntervalMs }: ResolvedManagerOptions,
): ResolvedAcquireOptions {
  return {
    serverSpec: serverSpecOf(options),
    timeoutMs: options?.timeoutMs ?? defaultTimeoutMs,
    signal: options?.signal,
    settings: {
      mode: options?.mode ?? defaultSocketMode,
      lingerMs: options?.lingerMs ?? 0,
      drainTimeoutMs: options?.drainTimeoutMs ?? defaultDrainTimeoutMs,
      failoverTimeoutMs: options?.failoverTimeoutMs ?? defaultFailoverTimeoutMs,
      reclaim: options?.reclaim ?? 'recorded',
      label: options?.label,
      healIntervalMs,
      maxReferences: limits.maxReferencesPerSocket,
      maxMembers: limits.maxMembersPerSocket,
      maxConnections: limits.maxConnectionsPerSocket,
    },
  };
}
