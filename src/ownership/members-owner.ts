import type { Clock } from '../clock.js';
import type { Holder } from '../control/messages.js';
import type { SocketReferenceError } from '../errors/error.js';
import type { Server } from '../serving/server.js';
import type { OwnerSettings } from './settings.js';

/** Answers a `bye`; with a failure, if the end that it waited for left something behind. */
export type ByeAnswer = (last: boolean, failure?: SocketReferenceError) => void;

/** What the registry of members needs from its owner. */
export interface MembersOwner {
  readonly context: { readonly clock: Clock };
  readonly settings: Pick<OwnerSettings, 'maxMembers' | 'maxReferences'>;
  /** How long its end may take, and where its output is. */
  readonly server: Pick<Server, 'stopTimeoutMs' | 'output'>;
  /** The owner's phase: new members are welcomed, or told to start over. */
  readonly phase: 'starting' | 'ready' | 'stopping';
  /** The total has changed. May switch to stopping in this tick. */
  changed(): void;
  /** A member has released its last reference. Answer now, or later, when every file is removed. */
  left(answer: ByeAnswer): void;
  describe(members: readonly Holder[], more: number): object;
  stopRequested(force: boolean): void;
  fault(error: unknown): void;
}
