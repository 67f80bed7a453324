import { closeSync, fstatSync } from 'node:fs';
import { type Identity, identityOf, sameFile } from '../files/identity.js';
import { isInherited, openNumbers } from '../files/open-descriptors.js';

// A keeper outlives the process that starts it, and must hold nothing of that open: a lock or a pipe of the first starter would be
// held as long as the server runs. `spawn` closes only what is closed on exec. On Linux the keeper closes the rest itself, before it
// starts anything; macOS starts programs with no other descriptors than those that are named.

/** The descriptors by which a keeper gets the lock, and by which it is told its task and answers. */
export const keeperDescriptors = { lock: 3, task: 4 } as const;

/** The first descriptor that is none of the keeper's. */
const firstForeign = keeperDescriptors.task + 1;

/**
 * Up to this number Node, at its start, marks what it inherited as closed on exec, and beyond it until the first free number. So a
 * keeper could not tell those from Node's own, and gets copies of its lock in their places, which it knows.
 */
const lastMarked = 16;

/** How many more such places are filled. What lies beyond is closed on exec in the keeper, so its server does not get it. */
const maxMore = 256;

/** The `stdio` of a keeper: a pipe for its complaints, the lock, the task, and copies of the lock. */
export function keeperStdio(lock: number): ('ignore' | 'pipe' | number)[] {
  let last = lastMarked;
  while (last < lastMarked + maxMore && isInherited(last + 1)) last++;
  const fillers = process.platform === 'linux' ? new Array<number>(last - firstForeign + 1).fill(lock) : [];
  return ['ignore', 'ignore', 'pipe', lock, 'pipe', ...fillers];
}

/**
 * The keeper's first step: closes what it inherited beside its own, also what another thread of its starter opened at the moment
 * in which it was started.
 */
export function closeInherited(): void {
  const lock = identityOf(fstatSync(keeperDescriptors.lock, { bigint: true }));
  const open = openNumbers();
  if (open.length === 0) {
    // No /proc: then at least the copies of the lock.
    for (let fd = firstForeign; fd <= lastMarked; fd++) if (isFile(fd, lock)) closeSync(fd);
    return;
  }
  for (const fd of open) {
    if (fd >= firstForeign && (isFile(fd, lock) || isInherited(fd))) closeSync(fd);
  }
}

function isFile(fd: number, file: Identity): boolean {
  try {
    return sameFile(identityOf(fstatSync(fd, { bigint: true })), file);
  } catch {
    // Not open.
    return false;
  }
}
