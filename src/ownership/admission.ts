import type { Refusal } from '../control/last-words.js';
import type { OwnerSettings } from './settings.js';

// How many members and references an owner allows (I7).

type Limits = Pick<OwnerSettings, 'maxMembers' | 'maxReferences'>;

/**
 * The limit that one more member would exceed; undefined if it may attach.
 *
 * @param members - how many there are
 * @param total - how many references there would be
 */
export function limitMet(
  { maxMembers, maxReferences }: Limits,
  { members, total }: { readonly members: number; readonly total: number },
): Refusal | undefined {
  if (members >= maxMembers) return full('maxMembersPerSocket', maxMembers);
  return total > maxReferences ? full('maxReferencesPerSocket', maxReferences) : undefined;
}

/** A correct member never exceeds the limit alone, and a total must stay a number that JavaScript holds exactly. */
export function isPossible({ maxReferences }: Limits, references: number, total: number): boolean {
  return references <= maxReferences && Number.isSafeInteger(total);
}

function full(limit: string, max: number): Refusal {
  return {
    code: 'ERR_SOCKREF_LIMIT_EXCEEDED',
    message: `The owner (pid ${process.pid}) allows no more: its ${limit} of ${max} is reached`,
    detail: { limit, max },
  };
}
