import { threadId } from 'node:worker_threads';
import type { Holder, Holders } from '../control/messages.js';
import type { Server } from '../serving/server.js';
import type { OwnerSettings } from './settings.js';

/** What listings show about an owner. */
export interface DescribedOwner {
  readonly server: Pick<Server, 'description'>;
  readonly settings: Pick<OwnerSettings, 'label'>;
  readonly since: number;
  /** The owner's own references, and those of all holders. */
  readonly members: { readonly own: number; readonly total: number };
}

/**
 * The answer to a request for the holders.
 *
 * @param more - how many members did not fit
 */
export function describeOwner(
  { server, settings, since, members: counts }: DescribedOwner,
  state: Holders['state'],
  members: readonly Holder[],
  more: number,
): object {
  const { description } = server;
  const { own, total } = counts;
  return {
    type: 'holders',
    state,
    ...(description && { server: description }),
    owner: describeSelf(own, since, true, settings.label),
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
