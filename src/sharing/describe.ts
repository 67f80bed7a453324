import { threadId } from 'node:worker_threads';
import type { Holder, Holders } from './messages.js';
import type { Service } from './service.js';
import type { OwnerSettings } from './settings.js';

/** What there is to tell of an owner. */
export interface DescribedOwner {
  readonly service: Pick<Service, 'description'>;
  readonly settings: Pick<OwnerSettings, 'label'>;
  readonly since: number;
  /** References of the owner itself, and of all. */
  readonly holds: { readonly own: number; readonly total: number };
}

/**
 * The answer to the question who holds it.
 *
 * @param more - members that did not fit
 */
export function describeOwner(
  { service, settings, since, holds }: DescribedOwner,
  state: Holders['state'],
  members: readonly Holder[],
  more: number,
): object {
  const { description: server } = service;
  const { own, total } = holds;
  return {
    type: 'holders',
    state,
    ...(server && { server }),
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
