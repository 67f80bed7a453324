import { isSocketReferenceError, quote } from '../errors/error.js';
import { defaultDirectory, defaultDirectoryPath } from '../files/default-directory.js';
import { canonicalDirectory, Directory } from '../files/directory.js';
import { assertPathFits, invalid, joinPath, parsePath } from '../files/paths.js';
import { endpointNames, type Place } from '../files/place.js';

/** Where a path that a user gave leads to. */
export interface Location {
  /** The canonical path of the data socket. */
  readonly path: string;
  readonly directory: string;
  readonly name: string;
  readonly isDefault: boolean;
}

/**
 * Finds the canonical path for a path that a user gave.
 *
 * @param make - whether to create the default directory if the path is in it
 * @param allowed - directories, with all below them, that the socket may be in
 */
export function locate(input: unknown, make: boolean, allowed: readonly string[] | undefined): Location {
  const requested = parsePath(input);
  const isDefault = requested.kind === 'name';
  const asked = joinPath(isDefault ? defaultDirectoryPath() : requested.directory, requested.name);
  const directory = forSocket(asked, () =>
    isDefault ? defaultDirectory(make) : canonicalDirectory(requested.directory),
  );
  const path = joinPath(directory, requested.name);
  assertPathFits(path);
  if (allowed && !allowed.some((each) => isWithin(directory, each))) {
    const list = allowed.map((each) => quote(each)).join(', ');
    throw invalid(path, 'not-allowed', `this manager allows only sockets in ${list} and below (allowedDirectories)`);
  }
  return { path, directory, name: requested.name, isDefault };
}

/** As {@link locate}; undefined for what leads to no socket, or to none that is allowed. */
export function locateSafely(input: string, allowed: readonly string[] | undefined): Location | undefined {
  try {
    return locate(input, false, allowed);
  } catch (error) {
    if (isSocketReferenceError(error)) return undefined;
    throw error;
  }
}

/** Opens and checks the directory of a location. The caller releases it. */
export function openPlace({ path, directory, name, isDefault }: Location): Place {
  const opened = forSocket(path, () => Directory.open(directory, isDefault ? 'private' : 'shared'));
  return { directory: opened, names: endpointNames(name), path };
}

/** Runs work that knows only the directory, and adds the requested socket to its errors. */
function forSocket<Value>(path: string, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    if (isSocketReferenceError(error)) Object.assign(error, { path });
    throw error;
  }
}

/** Finds an active socket without a system call, by the exact path or the bare name. */
export class KnownDefault {
  /** The values from which the default directory is derived, and the directory itself. */
  #known:
    | { readonly own: string | undefined; readonly runtime: string | undefined; readonly directory: string }
    | undefined;

  /** The canonical path of a bare name, if the default directory was resolved before. */
  pathOf(name: unknown): string | undefined {
    // The path rules refuse what is not a string.
    if (!this.#known || typeof name !== 'string' || name.includes('/')) return undefined;
    const { own, runtime, directory } = this.#known;
    const same = process.env['SOCKREF_DIR'] === own && process.env['XDG_RUNTIME_DIR'] === runtime;
    return same ? joinPath(directory, name) : undefined;
  }

  /** Remembers the canonical path of the default directory. */
  learn({ isDefault, directory }: Location): void {
    if (!isDefault) return;
    this.#known = { own: process.env['SOCKREF_DIR'], runtime: process.env['XDG_RUNTIME_DIR'], directory };
  }
}

function isWithin(directory: string, allowed: string): boolean {
  let canonical: string;
  try {
    canonical = canonicalDirectory(allowed);
  } catch {
    // A directory that does not exist contains nothing.
    return false;
  }
  return directory === canonical || canonical === '/' || directory.startsWith(`${canonical}/`);
}

/** Whether an error says that the directory is not there. */
export function isMissing(error: unknown): boolean {
  return isSocketReferenceError(error) && error.code === 'ERR_SOCKREF_DIRECTORY_NOT_FOUND';
}
