import type { AcquireOptions } from '../../api/options.js';
import type { ServerOptions } from '../../api/server-options.js';
import { isSocketReferenceError, quote } from '../../errors/error.js';
import { noProcessServes } from '../../ownership/reasons.js';
import { workingDirectory } from '../../processes/working-directory.js';
import { CliError, UsageError } from '../failure.js';
import { tell } from '../output.js';
import type { FoundConfig, OtherConfig, SocketConfig } from './config.js';
import { wordsOf } from './words.js';

/** The options of `run`, as given. */
export interface RunOptions {
  readonly serve?: string;
  readonly shell?: true;
  readonly activate?: true;
  readonly linger?: number;
  readonly timeout?: number;
  readonly readyTimeout?: number;
  readonly stopTimeout?: number;
  readonly env?: readonly string[];
  readonly label?: string;
  readonly quiet?: true;
}

/** How `run` acquires its socket, and the variables of its command. */
export interface RunSettings {
  readonly acquire: AcquireOptions;
  /** Variables for the command, which may contain `{socket}` and `{dir}`. */
  readonly export: Readonly<Record<string, string>> | undefined;
  /** The configuration that was found but does not name the socket, if any. */
  readonly config: OtherConfig | undefined;
}

/** The library's own default. */
const defaultTimeoutMs = 20_000;

/** Time for the rest of a start, after the server has had its time to become ready. */
const spareMs = 5_000;

/** Options that concern only a server. */
const serverOptions = ['shell', 'activate', 'linger', 'readyTimeout', 'stopTimeout'] as const;

/** Combines the command line and the configuration; the command line wins. */
export async function settingsFor(name: string, options: RunOptions): Promise<RunSettings> {
  const found = options.serve === undefined ? await configured(name) : undefined;
  const config = found?.kind === 'named' ? found.config : undefined;
  const other = found?.kind === 'other' ? found : undefined;
  const server = serverOf(options, config);
  const lone = server ? undefined : serverOptions.find((option) => options[option] !== undefined);
  if (lone) {
    const flag = lone.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const where = other ? `${other.file}, which has ${other.names}` : 'sockref.config.json';
    throw new UsageError(`--${flag} is about the server; give one with --serve, or name ${name} in ${where}`);
  }
  const longEnoughMs = Math.max(defaultTimeoutMs, (server?.readyTimeoutMs ?? 0) + spareMs);
  return {
    acquire: {
      server,
      lingerMs: options.linger ?? config?.linger,
      timeoutMs: options.timeout ?? config?.timeout ?? longEnoughMs,
      mode: config?.mode,
      label: options.label,
    },
    export: config?.export,
    config: other,
  };
}

/** The error if a socket is not served and a configuration was found that does not name it. */
export function notNamed(error: unknown, name: string, config: OtherConfig | undefined): CliError | undefined {
  if (!config || !isSocketReferenceError(error) || error.code !== 'ERR_SOCKREF_NOT_SERVED') return undefined;
  const { file, names, meant } = config;
  const hint = meant === undefined ? `it has ${names}` : `did you mean ${quote(meant)}? It has ${names}`;
  return new CliError(
    `${noProcessServes(error.path ?? name)}, and ${file} does not name ${quote(name)}; ${hint}; name it there, or give the server with --serve 'COMMAND {socket}'`,
  );
}

/** With `--serve` no file is read, because what it says about this socket would not count. */
async function configured(name: string): Promise<FoundConfig> {
  const { findConfig, notRead } = await import('./config.js');
  const found = findConfig(name, workingDirectory());
  if (found.ignored) tell(notRead(found.ignored));
  return found;
}

function serverOf(options: RunOptions, config: SocketConfig | undefined): ServerOptions | undefined {
  const { serve, shell = false } = options;
  const command =
    serve === undefined ? config?.command(shell || undefined) : wordsOf(serve, shell, 'the command of --serve');
  if (!command) return undefined;
  const activate = options.activate ?? config?.activate;
  const readyTimeoutMs = options.readyTimeout ?? config?.readyTimeout;
  const stopTimeoutMs = options.stopTimeout ?? config?.stopTimeout;
  return {
    command,
    // The server outlives its starter and serves others: its directory must not depend on which process came first.
    cwd: config?.cwd ?? workingDirectory(),
    ...(activate !== undefined && { activate }),
    ...(config?.env && { env: config.env }),
    ...(readyTimeoutMs !== undefined && { readyTimeoutMs }),
    ...(stopTimeoutMs !== undefined && { stopTimeoutMs }),
    ...(config?.restart !== undefined && { restart: config.restart }),
    ...(config?.stopSignal !== undefined && { stopSignal: config.stopSignal }),
  };
}
