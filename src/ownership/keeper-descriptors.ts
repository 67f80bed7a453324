import { closeSync, fstatSync } from 'node:fs';
import { type Identity, identityOf, sameFile } from '../files/identity.js';
import { isInherited, openNumbers } from '../files/open-descriptors.js';

// A keeper outlives the process that starts it, so it must not keep that process's descriptors open: a lock or a pipe
// of the starter would stay held as long as the server runs. `spawn` closes only descriptors that are closed on exec.
// On Linux the keeper closes the others itself, before it starts anything. macOS starts programs only with the
// descriptors that are named.

/** The descriptors through which a keeper gets the lock, and through which it gets its task and answers. */
export const keeperDescriptors = { lock: 3, task: 4 } as const;

/** The first descriptor that does not belong to the keeper. */
const firstForeign = keeperDescriptors.task + 1;

/**
 * At its start, Node marks inherited descriptors as closed on exec: all up to this number, and further ones up to the
 * first free number. A keeper could not distinguish these from Node's own, so the starter puts copies of the lock
 * there, which the keeper recognises.
 */
const lastMarked = 16;

/**
 * How many more such numbers are filled. Descriptors beyond them are closed on exec in the keeper, so its server does
 * not get them.
 */
const maxMore = 256;

/** The `stdio` of a keeper: a pipe for its error output, the lock, the task, and copies of the lock. */
export function keeperStdio(lock: number): ('ignore' | 'pipe' | number)[] {
  let last = lastMarked;
  while (last < lastMarked + maxMore && isInherited(last + 1)) last++;
  const fillers = process.platform === 'linux' ? new Array<number>(last - firstForeign + 1).fill(lock) : [];
  return ['ignore', 'ignore', 'pipe', lock, 'pipe', ...fillers];
}

/**
 * The first step of a keeper: closes what it inherited and does not need, including what another thread of its starter
 * opened at the moment of its start.
 */
export function closeInherited(): void {
  const lock = identityOf(fstatSync(keeperDescriptors.lock, { bigint: true }));
  const open = openNumbers();
  if (open.length === 0) {
    // No /proc: close at least the copies of the lock.
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
