import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { defaultDirectoryPath } from '../files/default-directory.js';
import { joinPath } from '../files/paths.js';
import { endpointNames } from '../files/place.js';
import { ownUid } from '../files/platform.js';

/**
 * The paths of a socket with this bare name in the default directories of other environments. `cron`, `sudo` and
 * `docker exec` often run without XDG_RUNTIME_DIR, so that a bare name leads to another directory there. SOCKREF_DIR is
 * not considered: it was set on purpose.
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

/** Those paths that have a live or dead owner. */
export function elsewhere(path: string): string[] {
  return namesakes(path).filter((each) => isOurs(endpointNames(each).lock));
}

/** The path without links, if it exists. */
function canonical(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return directory;
  }
}

/** Other users' sockets are not mentioned: in /tmp any user could have created them. */
function isOurs(path: string): boolean {
  try {
    return lstatSync(path).uid === ownUid();
  } catch {
    // Missing, or not accessible.
    return false;
  }
}
