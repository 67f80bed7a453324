import { constants } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import { workingDirectory } from '../processes/working-directory.js';
import { misspeltPlaceholder } from '../serving/placeholders.js';
import type { ServerCommand } from '../serving/server-spec.js';
import * as check from './check.js';

/** A command that serves the socket, run by a process of its own (the keeper) until the last reference is gone. */
export interface ServerOptions {
  /**
   * The program and its arguments; no shell reads them. `{socket}` in them stands for the path at which it has to listen,
   * and `{dir}` for the directory of that path. Both are in its environment too, as `SOCKREF_LISTEN_PATH`.
   */
  readonly command: readonly string[];
  /**
   * Hands it a socket that listens already, as descriptor 3, with `LISTEN_FDS` and `LISTEN_PID` as systemd does: while it
   * is being started, or started again, clients wait in the queue instead of being refused. Default false.
   */
  readonly activate?: boolean | undefined;
  /** Its working directory. Default: that of this process at the time of the acquire. */
  readonly cwd?: string | undefined;
  /** Variables for its environment, besides those of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Milliseconds until it must accept a connection. Default 15,000. */
  readonly readyTimeoutMs?: number | undefined;
  /**
   * How often in a row it is started again when it ends by itself, after pauses that grow from 100 ms to 5 seconds; what
   * has been up for 10 seconds begins to count anew. Default 5; 0 for never.
   */
  readonly restart?: number | undefined;
  /** What tells it to end. Default `'SIGTERM'`. */
  readonly stopSignal?: NodeJS.Signals | undefined;
  /** Milliseconds from that signal until all that is left of its processes is killed. Default 5,000. */
  readonly stopTimeoutMs?: number | undefined;
}

/** Below the default of `timeoutMs`, so that an acquire hears why the server did not become ready. */
const defaultReadyTimeoutMs = 15_000;
/** Enough for what was bad luck, too few for what is broken. */
const defaultRestart = 5;
/** As long as open connections get of a server in this process. */
const defaultStopTimeoutMs = 5_000;

const serverChecks = {
  command: check.isCommand,
  activate: check.isBoolean,
  cwd: check.isText(4_096),
  env: check.isEnvironment,
  readyTimeoutMs: check.isTimeout,
  restart: check.isCount,
  stopSignal: check.oneOf(...Object.keys(constants.signals)),
  stopTimeoutMs: check.isDuration,
};

/** Variables that are about this process, and would mislead another one. */
const ownVariables = ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES', 'NODE_CHANNEL_FD', 'NODE_UNIQUE_ID'];

/** Checks the options of a server. */
export function checkServerOptions(options: ServerOptions | undefined): void {
  check.checkOptions(options, serverChecks, 'server.');
  if (options && options.command === undefined) throw check.missingOption('server.command', check.expectedCommand);
  const misspelt = options && misspeltPlaceholder(options.command);
  if (misspelt) throw check.misspeltCommand(misspelt);
}

/** Fills in the defaults of options that were checked. */
export function resolveServerOptions(options: ServerOptions): ServerCommand {
  const { cwd = '' } = options;
  const env = { ...process.env };
  for (const name of ownVariables) delete env[name];
  const all = Object.entries({ ...env, ...options.env }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return {
    command: [...options.command],
    activate: options.activate ?? false,
    // Of an absolute one the working directory is not asked: it may be gone.
    cwd: isAbsolute(cwd) ? resolve(cwd) : resolve(workingDirectory(), cwd),
    env: Object.fromEntries(all),
    readyTimeoutMs: options.readyTimeoutMs ?? defaultReadyTimeoutMs,
    restart: options.restart ?? defaultRestart,
    stopSignal: options.stopSignal ?? 'SIGTERM',
    stopTimeoutMs: options.stopTimeoutMs ?? defaultStopTimeoutMs,
  };
}
