import { constants } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import { workingDirectory } from '../processes/working-directory.js';
import { defaultRestart } from '../protocol/constants.js';
import { misspeltPlaceholder } from '../serving/placeholders.js';
import type { ServerCommand } from '../serving/server-spec.js';
import * as check from './check.js';

/** A command that serves the socket. A process of its own, the keeper, runs it until the last reference is closed. */
export interface ServerOptions {
  /**
   * The program and its arguments; no shell reads them. `{socket}` stands for the path at which the program must
   * listen, and `{dir}` for the directory of that path. The path is also in the environment variable
   * `SOCKREF_LISTEN_PATH`.
   */
  readonly command: readonly string[];
  /**
   * Whether the program gets a listening socket as descriptor 3, with `LISTEN_FDS` and `LISTEN_PID`, as systemd does.
   * While it is being started or restarted, clients wait in the queue instead of being refused. Default false.
   */
  readonly activate?: boolean | undefined;
  /** The working directory of the program. Default: that of this process at the time of the acquire. */
  readonly cwd?: string | undefined;
  /** Environment variables for the program, besides those of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Milliseconds in which the program must accept a connection. Default 15,000. */
  readonly readyTimeoutMs?: number | undefined;
  /**
   * How often in a row the program is restarted when it ends. The pauses between grow from 100 ms to 5 seconds. After
   * 10 seconds of running the count starts at 0 again. Default 5; 0 for never.
   */
  readonly restart?: number | undefined;
  /** The signal that tells the program to end. Default `'SIGTERM'`. */
  readonly stopSignal?: NodeJS.Signals | undefined;
  /** Milliseconds from that signal until the remaining processes of the server are killed. Default 5,000. */
  readonly stopTimeoutMs?: number | undefined;
}

/** Below the default of `timeoutMs`, so that an acquire learns why the server did not become ready. */
const defaultReadyTimeoutMs = 15_000;
/** The same time that a server in this process gives to its open connections. */
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

/** Variables that describe this process and would mislead another one. */
const ownVariables = ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES', 'NODE_CHANNEL_FD', 'NODE_UNIQUE_ID'];

/** Checks the options of a server. */
export function checkServerOptions(options: ServerOptions | undefined): void {
  check.checkOptions(options, serverChecks, 'server.');
  if (options && options.command === undefined) throw check.missingOption('server.command', check.expectedCommand);
  const misspelt = options && misspeltPlaceholder(options.command);
  if (misspelt) throw check.misspeltCommand(misspelt);
}

/** Fills in the defaults of checked options. */
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
    // With an absolute `cwd` the working directory is not read: it may have been removed.
    cwd: isAbsolute(cwd) ? resolve(cwd) : resolve(workingDirectory(), cwd),
    env: Object.fromEntries(all),
    readyTimeoutMs: options.readyTimeoutMs ?? defaultReadyTimeoutMs,
    restart: options.restart ?? defaultRestart,
    stopSignal: options.stopSignal ?? 'SIGTERM',
    stopTimeoutMs: options.stopTimeoutMs ?? defaultStopTimeoutMs,
  };
}
