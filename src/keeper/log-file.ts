import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
} from 'node:fs';
import { dirname, normalize } from 'node:path';
import { quote, SocketReferenceError } from '../errors/error.js';
import { errnoOf, systemError } from '../errors/system.js';
import { assertSafe } from '../files/directory.js';
import { foreignFile } from '../files/foreign.js';
import { joinPath } from '../files/paths.js';
import { ownUid, reachesThroughDescriptors } from '../files/platform.js';

const asDirectory = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** The directory below which a directory of logs is created. */
export interface LogHome {
  /** A directory of this user. Nothing is written below another user's, such as the home that `sudo -E` keeps. */
  readonly path: string;
  /** Whether to create it if it is missing. */
  readonly make: boolean;
}

/**
 * A directory for logs that is kept open: operations reach the directory that was checked. Every step from our own
 * directory to it is checked, so that no link of another user leads elsewhere.
 */
export class LogDirectory {
  readonly path: string;
  readonly #fd: number;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /**
   * Opens `below`, names separated by slashes, and creates the missing directories for this user alone.
   *
   * @throws SocketReferenceError if it cannot be created, or belongs to another user
   */
  static open({ path: home, make }: LogHome, below: string): LogDirectory {
    const path = joinPath(home, below);
    try {
      const { existing, missing } = make ? nearest(normalize(home)) : { existing: home, missing: [] };
      let at = realpathSync.native(existing);
      let fd = openSync(at, asDirectory);
      try {
        assertOurs(at, fd);
        for (const name of [...missing, ...below.split('/')]) {
          const next = enter(fd, at, name);
          closeSync(fd);
          fd = next;
          at = joinPath(at, name);
          assertWay(at, fd);
        }
        const { uid, mode } = fstatSync(fd);
        assertSafe(at, uid, mode & 0o7777, 'shared');
        return new LogDirectory(path, fd);
      } catch (error) {
        closeSync(fd);
        throw error;
      }
    } catch (error) {
      throw systemError(error, path, `use the directory ${quote(path)} for logs`);
    }
  }

  /** A path to a name in it. It is valid in this process only, while the directory is open. */
  at(name: string): string {
    return reachesThroughDescriptors ? throughDescriptor(this.#fd, name) : joinPath(this.path, name);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** The nearest existing directory above, and the missing names from there on. */
function nearest(path: string): { existing: string; missing: string[] } {
  const missing: string[] = [];
  for (let existing = path; ; existing = dirname(existing)) {
    if (lstatSync(existing, { throwIfNoEntry: false }) || existing === '/') return { existing, missing };
    missing.unshift(existing.slice(existing.lastIndexOf('/') + 1));
  }
}

/** Opens a directory in another one, and creates it if it is missing. */
function enter(fd: number, path: string, name: string): number {
  const at = reachesThroughDescriptors ? throughDescriptor(fd, name) : joinPath(path, name);
  try {
    return openSync(at, asDirectory);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') {
      makeOne(at);
      return openSync(at, asDirectory);
    }
    if (errno !== 'ELOOP' && errno !== 'ENOTDIR') throw error;
    const stats = lstatSync(at);
    // Users may keep their state on another disk. The target of the link is checked as any other directory.
    if (!stats.isSymbolicLink() || (stats.uid !== ownUid() && stats.uid !== 0)) throw error;
    return openSync(realpathSync.native(at), asDirectory);
  }
}

function makeOne(directory: string): void {
  try {
    mkdirSync(directory, 0o700);
  } catch (error) {
    // Another keeper created it first.
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

function assertOurs(path: string, fd: number): void {
  const { uid, mode } = fstatSync(fd);
  if (uid !== ownUid()) throw unsafe(path, uid, mode, 'owner', `belongs to another user than uid ${ownUid()}`);
  assertWay(path, fd);
}

/** The group may write to directories on the way, as with a umask of 002. What counts is who owns the last one. */
function assertWay(path: string, fd: number): void {
  const { uid, mode } = fstatSync(fd);
  if (uid !== ownUid() && uid !== 0) {
    throw unsafe(path, uid, mode, 'owner', `belongs neither to uid ${ownUid()} nor to root`);
  }
  if (mode & 0o002 && !(mode & 0o1000)) throw unsafe(path, uid, mode, 'mode', 'lets others replace files');
}

function unsafe(path: string, uid: number, mode: number, reason: string, what: string): SocketReferenceError {
  const bits = mode & 0o7777;
  return new SocketReferenceError(
    'ERR_SOCKREF_UNSAFE_DIRECTORY',
    `No log is written below ${quote(path)}: it ${what} (owner uid ${uid}, mode ${bits.toString(8).padStart(4, '0')})`,
    { directory: path, uid, mode: bits, reason },
  );
}

function throughDescriptor(fd: number, name: string): string {
  return `/proc/self/fd/${fd}/${name}`;
}

/**
 * Opens a regular file of ours that other users cannot read, and creates it if it is missing.
 *
 * @param path - its name in messages
 */
export function openPrivate(file: string, flags: number, path = file): number {
  // Does not follow a link, or make a terminal the controlling one.
  const fd = openSync(file, flags | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NOCTTY, 0o600);
  try {
    const stats = fstatSync(fd, { bigint: true });
    if (!stats.isFile() || Number(stats.uid) !== ownUid()) throw foreignFile(path, path, stats);
    if ((Number(stats.mode) & 0o777) !== 0o600) fchmodSync(fd, 0o600);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The content of a file; empty if it is missing or cannot be read. */
export function readIfThere(file: string): Buffer {
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return Buffer.alloc(0);
  }
}
