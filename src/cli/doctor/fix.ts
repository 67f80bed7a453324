import { closeSync, constants, fchmodSync, fstatSync, openSync } from 'node:fs';
import { lstatIfThere } from '../../files/identity.js';
import { ownUid } from '../../files/platform.js';
import { removeLeftovers } from '../../ownership/remove-leftovers.js';
import type { Cure, Problem } from './problem.js';

/** Fixes a problem if `--fix` can. Returns whether it did. */
export async function fixProblem({ path, pid, cure }: Problem): Promise<boolean> {
  switch (cure.kind) {
    case 'none':
      return false;
    case 'close-directory':
      return close(path);
    case 'reclaim':
      return reclaim(cure, pid);
  }
}

/** Closes a directory of this user to group and others. */
function close(path: string): boolean {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    if (fstatSync(fd).uid !== ownUid()) return false;
    fchmodSync(fd, 0o700);
    return true;
  } finally {
    closeSync(fd);
  }
}

async function reclaim({ open }: Extract<Cure, { kind: 'reclaim' }>, pid: number | undefined): Promise<boolean> {
  const place = open();
  try {
    await removeLeftovers(place, pid ?? 0);
    return lstatIfThere(place.directory.at(place.names.lock)) === undefined;
  } finally {
    place.directory.release();
  }
}
