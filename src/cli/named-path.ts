import { isMissing, locate } from '../api/locate.js';
import { defaultDirectoryPath } from '../files/default-directory.js';
import { joinPath, parsePath } from '../files/paths.js';

/** The canonical path of a name, whether or not its directory exists. */
export function pathOf(name: string): string {
  try {
    return locate(name, false, undefined).path;
  } catch (error) {
    if (!isMissing(error)) throw error;
    const requested = parsePath(name);
    return joinPath(requested.kind === 'name' ? defaultDirectoryPath() : requested.directory, requested.name);
  }
}
