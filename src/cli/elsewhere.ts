import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { defaultDirectoryPath } from '../files/default-directory.js';
import { joinPath } from '../files/paths.js';
import { endpointNames } from '../files/place.js';
import { ownUid } from '../files/platform.js';

/**
 * What a socket of the default directory is called in the default directories of other environments. `cron`, `sudo` and
 * `docker exec` often run without XDG_RUNTIME_DIR, and a bare name leads to another directory there. SOCKREF_DIR, on the
 * other hand, was set on purpose.
 */
export function namesakes(path: string): string[] {
  if (process.env['SOCKREF_DIR']) return [];
  const own = [defaultDirectoryPath(), canonical(defaultDirectoryPath())];
  if (!own.includes(dirname(path))) return [];
  const candidates = [{}, { XDG_RUNTIME_DIR: `/run/user/${ownUid()}` }].map((env) => defaultDirectoryPath(env));
  return candidates
    .filter((directory) => !own.includes(directory) && isOurs(directory))
    .map((directory) => joinPath(directory, basename(path)));
}

/** Those of them that have an owner, or had one that died. */
export function elsewhere(path: string): string[] {
  return namesakes(path).filter((each) => isOurs(endpointNames(each).lock));
}

/** Free of links, if it is there. */
function canonical(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return directory;
  }
}

/** Of another user is nothing to be told: in /tmp anybody could have put it there. */
function isOurs(path: string): boolean {
  try {
    return lstatSync(path).uid === ownUid();
  } catch {
    // Missing, or out of reach.
    return false;
  }
}
