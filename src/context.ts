import type { Clock } from './clock.js';

/** What happens below the endpoints and no call waits for: each is told to the user, and counted. */
export interface Report {
  /** Something failed. */
  fault(path: string, error: unknown): void;
  /** Files that were missing, or had changed, are as they should be. */
  healed(path: string, names: readonly string[]): void;
  /** Files of a dead owner were removed. */
  reclaimed(path: string, pid: number | undefined, names: readonly string[]): void;
}

/** What the manager, or the keeper, gives to the layers below it. */
export interface Context extends Report {
  readonly clock: Clock;
  /** Runs the work of a clean-up, a bounded number at once. */
  cleanUp(work: () => void | Promise<void>): Promise<void>;
}
