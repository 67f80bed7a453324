import type { Clock } from './clock.js';

/** Reports what happens below the endpoints while no call waits for it. Each report is counted and told to the user. */
export interface Report {
  /** An operation failed. */
  fault(path: string, error: unknown): void;
  /** Files that were missing or changed were restored. */
  healed(path: string, names: readonly string[]): void;
  /** Files of a dead owner were removed. */
  reclaimed(path: string, pid: number | undefined, names: readonly string[]): void;
}

/** What the manager or the keeper provides to the layers below it. */
export interface Context extends Report {
  readonly clock: Clock;
  /** Runs the work of a clean-up; the number that runs at once is limited. */
  cleanUp(work: () => void | Promise<void>): Promise<void>;
}
