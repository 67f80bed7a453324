import type { Serve } from './connections.js';

/** A command that serves a socket, with the rules for running it; all of it normalised. */
export interface ServerCommand {
  /** The program and its arguments. `{socket}` and `{dir}` in them stand for where it has to listen. */
  readonly command: readonly string[];
  /** Whether it is handed a socket that listens already, as systemd does it. */
  readonly activate: boolean;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly readyTimeoutMs: number;
  /** How often in a row it is started again. */
  readonly restart: number;
  readonly stopSignal: NodeJS.Signals;
  readonly stopTimeoutMs: number;
}

/** What a process has to serve an endpoint with, should it become responsible for that. */
export type ServerSpec =
  | { readonly kind: 'handler'; readonly serve: Serve }
  | { readonly kind: 'command'; readonly server: ServerCommand };
