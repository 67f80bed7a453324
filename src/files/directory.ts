import { constants, fstatSync, openSync, realpathSync } from 'node:fs';
import { quote, SocketReferenceError } from '../errors/error.js';
import { errnoOf, systemError } from '../errors/system.js';
import { closeAnyway } from './close.js';
import { type Identity, identityOf, lstatIfThere, sameFile } from './identity.js';
import { joinPath } from './paths.js';
import { ownUid, reachesThroughDescriptors } from './platform.js';

/** How strictly a directory is checked: `shared` is any parent directory, `private` is the default directory. */
export type DirectoryRule = 'shared' | 'private';

/** The open directories of this thread, by canonical path. Endpoints in one directory share its descriptor. */
const open = new Map<string, Directory>();

/**
 * A checked directory that is kept open. Operations in it reach the directory that was checked, even if its path leads
 * elsewhere meanwhile. It is counted: the last {@link Directory.release} closes it.
 */
export class Directory {
  /** The canonical path, free of symbolic links. */
  readonly path: string;
  readonly #fd: number;
  readonly #identity: Identity;
  #holders = 1;

  private constructor(path: string, fd: number, identity: Identity) {
    this.path = path;
    this.#fd = fd;
    this.#identity = identity;
  }

  /** Opens and checks the directory at a canonical path. It uses one descriptor until it is released. */
  static open(canonical: string, rule: DirectoryRule = 'shared'): Directory {
    const fd = openDirectory(canonical);
    let keep = false;
    try {
      const stats = fstatSync(fd, { bigint: true });
      assertSafe(canonical, Number(stats.uid), Number(stats.mode) & 0o7777, rule);
      const identity = identityOf(stats);
      const known = open.get(canonical);
      if (known && sameFile(known.#identity, identity)) return known.retain();
      const directory = new Directory(canonical, fd, identity);
      open.set(canonical, directory);
      keep = true;
      return directory;
    } catch (error) {
      throw directoryError(error, canonical);
    } finally {
      if (!keep) closeAnyway(fd);
    }
  }

  /** A short path to a name in this directory. It is valid in this process only. */
  at(name: string): string {
    return reachesThroughDescriptors ? `/proc/self/fd/${this.#fd}/${name}` : joinPath(this.path, name);
  }

  /**
   * Whether the canonical path still leads to this directory. If not, no other process finds the files in it by that
   * path.
   */
  isInPlace(): boolean {
    const stats = lstatIfThere(this.path);
    return stats !== undefined && sameFile(identityOf(stats), this.#identity);
  }

  /** Counts one more user. */
  retain(): this {
    this.#holders++;
    return this;
  }

  /** Counts one user less. The last one closes the descriptor. */
  release(): void {
    // By now another file may have its number.
    if (this.#holders === 0) throw new Error(`the directory ${this.path} was released more often than it was retained`);
    if (--this.#holders > 0) return;
    // Only if the entry is this directory: the path may have been opened again as another one.
    if (open.get(this.path) === this) open.delete(this.path);
    closeAnyway(this.#fd);
  }
}

/** The canonical form of a directory's path: absolute, without symbolic links. */
export function canonicalDirectory(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    throw directoryError(error, path);
  }
}

function openDirectory(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    throw directoryError(error, path);
  }
}

/** The error for a directory that cannot be used. */
export function directoryError(error: unknown, path: string): SocketReferenceError {
  const errno = errnoOf(error);
  if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'ELOOP') {
    const what = errno === 'ENOENT' ? 'does not exist' : 'is not a directory';
    return new SocketReferenceError(
      'ERR_SOCKREF_DIRECTORY_NOT_FOUND',
      `The directory ${quote(path)} ${what}; create it first (mkdir -p -m 700), or pass another path`,
      { directory: path, cause: error },
    );
  }
  return systemError(error, path, `use the directory ${quote(path)}`);
}

/** Refuses a directory in which another user could replace our files. */
export function assertSafe(path: string, uid: number, mode: number, rule: DirectoryRule): void {
  const refuse = (reason: string, what: string, advice: string): never => {
    throw new SocketReferenceError(
      'ERR_SOCKREF_UNSAFE_DIRECTORY',
      `Unsafe directory ${quote(path)}: it ${what} (owner uid ${uid}, mode ${mode.toString(8).padStart(4, '0')}); ${advice}`,
      { directory: path, uid, mode, reason },
    );
  };
  if (rule === 'private') {
    if (uid !== ownUid())
      refuse('owner', `belongs to another user than uid ${ownUid()}`, 'set SOCKREF_DIR to one of yours');
    if (mode & 0o077) refuse('mode', 'is open to group or others', `run: chmod 700 ${quote(path)}`);
    return;
  }
  if (uid !== ownUid() && uid !== 0) {
    refuse('owner', `belongs neither to uid ${ownUid()} nor to root`, 'use a directory that belongs to you');
  }
  if (mode & 0o022 && !(mode & 0o1000)) {
    refuse('mode', 'lets group or others replace files', `run: chmod go-w ${quote(path)} (or chmod +t)`);
  }
}
