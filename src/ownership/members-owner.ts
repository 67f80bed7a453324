import type { Clock } from '../clock.js';
import type { Holder } from '../control/messages.js';
import type { SocketReferenceError } from '../errors/error.js';
import type { Server } from '../serving/server.js';
import type { OwnerSettings } from './settings.js';

/** Answers a `bye`; with a failure, if the end that it waited for left something behind. */
export type ByeAnswer = (last: boolean, failure?: SocketReferenceError) => void;

/** What the registry asks of its owner. */
export interface MembersOwner {
  readonly context: { readonly clock: Clock };
  readonly settings: Pick<OwnerSettings, 'maxMembers' | 'maxReferences'>;
  /** How long its end may take, and where its output is. */
  readonly server: Pick<Server, 'stopTimeoutMs' | 'output'>;
  /** Where the owner stands: who comes now is welcomed, or told to start over. */
  readonly phase: 'starting' | 'ready' | 'stopping';
  /** The total has changed. May switch to stopping, in this very tick. */
  changed(): void;
  /** A member's last reference is gone; answer now, or later, when every file is gone. */
  left(answer: ByeAnswer): void;
  describe(members: readonly Holder[], more: number): object;
  stopRequested(force: boolean): void;
  fault(error: unknown): void;
}
