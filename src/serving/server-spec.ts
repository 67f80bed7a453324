import type { Serve } from './connections.js';

/** A command that serves a socket, with the rules for running it, all normalised. */
export interface ServerCommand {
  /** The program and its arguments. `{socket}` and `{dir}` stand for the place where it must listen. */
  readonly command: readonly string[];
  /** Whether it gets a listening socket, as systemd passes it. */
  readonly activate: boolean;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly readyTimeoutMs: number;
  /** How often in a row it is restarted. */
  readonly restart: number;
  readonly stopSignal: NodeJS.Signals;
  readonly stopTimeoutMs: number;
}

/** How a process would serve an endpoint if it became its owner. */
export type ServerSpec =
  | { readonly kind: 'handler'; readonly serve: Serve }
  | { readonly kind: 'command'; readonly server: ServerCommand };
