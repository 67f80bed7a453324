import type { Timer } from '../clock.js';
import type { Reachability } from './reachability.js';
import type { ServerProcess } from './server-process.js';

/** Where a command server stands. What belongs to a state ends when the state is left: {@link leave}. */
export type CommandServerState =
  | { readonly kind: 'idle' }
  /** `ready`: it accepts connections, and its socket can be published. */
  | { readonly kind: 'launching'; readonly run: ServerProcess; readonly ready: boolean }
  | {
      readonly kind: 'running';
      readonly run: ServerProcess;
      /** By the clock. */
      readonly since: number;
      readonly reachability: Reachability;
    }
  /** It ended without being told to; its other processes are being ended. */
  | { readonly kind: 'clearing'; readonly run: ServerProcess }
  | { readonly kind: 'pausing'; readonly timer: Timer }
  /** It ended because it had nothing to do; the next client at the held socket starts it. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'stopped'; readonly done: Promise<void> };

/** Ends what belongs to a state. */
export function leave(state: CommandServerState): void {
  if (state.kind === 'running') state.reachability.end();
  if (state.kind === 'pausing') state.timer.cancel();
}
