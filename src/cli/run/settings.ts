import type { ServerOptions } from '../../api/server-options.js';
import { workingDirectory } from '../../files/working-directory.js';
import { UsageError } from '../failure.js';
import type { SocketConfig } from './config.js';
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
  readonly label?: string;
  readonly quiet?: true;
}

/** How `run` acquires its socket. */
export interface RunSettings {
  readonly server: ServerOptions | undefined;
  readonly lingerMs: number | undefined;
  readonly timeoutMs: number;
  readonly mode: number | undefined;
  readonly label: string | undefined;
}

/** As long as the library waits by itself. */
const defaultTimeoutMs = 20_000;

/** What is left to the rest of a start, once the server has had its time to become ready. */
const spareMs = 5_000;

/** Options that are a server's, and say nothing without one. */
const serverOptions = ['shell', 'activate', 'linger', 'readyTimeout', 'stopTimeout'] as const;

/** Puts together what the command line and the configuration say; the command line wins. */
export async function settingsFor(name: string, options: RunOptions): Promise<RunSettings> {
  const config = options.serve === undefined ? await configured(name) : undefined;
  const server = serverOf(options, config);
  const lone = server ? undefined : serverOptions.find((option) => options[option] !== undefined);
  if (lone) {
    const flag = lone.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(
      `--${flag} is about the server; give one with --serve, or name ${name} in sockref.config.json`,
    );
  }
  return {
    server,
    lingerMs: options.linger ?? config?.linger,
    timeoutMs:
      options.timeout ?? config?.timeout ?? Math.max(defaultTimeoutMs, (server?.readyTimeoutMs ?? 0) + spareMs),
    mode: config?.mode,
    label: options.label,
  };
}

/** With `--serve` nobody need look for a file: what it says about this socket would not count. */
async function configured(name: string): Promise<SocketConfig | undefined> {
  const { findConfig } = await import('./config.js');
  return findConfig(name, workingDirectory());
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
    // The server outlives who started it, and serves others: where it runs is not to depend on who came first.
    cwd: config?.cwd ?? workingDirectory(),
    ...(activate !== undefined && { activate }),
    ...(config?.env && { env: config.env }),
    ...(readyTimeoutMs !== undefined && { readyTimeoutMs }),
    ...(stopTimeoutMs !== undefined && { stopTimeoutMs }),
    ...(config?.restart !== undefined && { restart: config.restart }),
    ...(config?.stopSignal !== undefined && { stopSignal: config.stopSignal }),
  };
}
