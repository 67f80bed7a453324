import { threadId } from 'node:worker_threads';
import type { Holder, Holders, ServerState } from './messages.js';

/** What there is to tell of an endpoint that is owned here. */
export interface Described {
  readonly state: Holders['state'];
  readonly server: ServerState | undefined;
  /** References of the owner itself. */
  readonly own: number;
  readonly total: number;
  readonly label: string | undefined;
  readonly since: number;
  readonly members: readonly Holder[];
  /** Members that did not fit. */
  readonly more: number;
}

/** The answer to whoever asks who holds it. */
export function describeOwner({ state, server, own, total, label, since, members, more }: Described): object {
  return {
    type: 'holders',
    state,
    ...(server && { server }),
    owner: describeSelf(own, since, true, label),
    members,
    more,
    total,
    since,
  };
}

/** This thread, as a holder in listings. */
export function describeSelf(references: number, since: number, canServe: boolean, label?: string): Holder {
  return {
    pid: process.pid,
    ...(threadId !== 0 && { thread: threadId }),
    ...(label !== undefined && { label }),
    references,
    since,
    canServe,
  };
}
