import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { basename, dirname } from 'node:path';
import { quote, SocketReferenceError } from '../errors/error.js';
import { errnoOf, systemError } from '../errors/system.js';
import { privateDirectoryMode } from '../protocol/constants.js';
import { assertSafe, canonicalDirectory, directoryError } from './directory.js';
import { joinPath } from './paths.js';
import { ownUid } from './platform.js';

/** The directory of bare names: `$SOCKREF_DIR`, else `$XDG_RUNTIME_DIR/sockref`, else `/tmp/sockref-<uid>`. */
export function defaultDirectoryPath(env: NodeJS.ProcessEnv = process.env): string {
  const own = env['SOCKREF_DIR'];
  if (own) {
    if (own.startsWith('/') && !own.includes('\0')) return own;
    throw new SocketReferenceError(
      'ERR_SOCKREF_INVALID_OPTION',
      `The environment variable SOCKREF_DIR must be an absolute path, but is ${quote(own)}`,
      { option: 'SOCKREF_DIR', expected: 'an absolute path', received: quote(own) },
    );
  }
  const runtime = env['XDG_RUNTIME_DIR'];
  // The XDG specification says that a relative value must be ignored.
  if (runtime?.startsWith('/')) return joinPath(runtime, 'sockref');
  return `/tmp/sockref-${ownUid()}`;
}

/**
 * Finds the canonical path of the default directory.
 *
 * @param make - whether to create it, with mode 0700, if it is missing
 * @throws SocketReferenceError if it is a link, belongs to another user, or is open to others
 */
export function defaultDirectory(make: boolean): string {
  const path = defaultDirectoryPath();
  const parent = canonicalDirectory(dirname(path));
  const canonical = joinPath(parent, basename(path));
  if (make) makePrivate(canonical, parent);
  else assertRealDirectory(canonical);
  return canonical;
}

function makePrivate(path: string, parent: string): void {
  const above = lstatSync(parent);
  assertSafe(parent, above.uid, above.mode & 0o7777, 'shared');
  try {
    // Usually it exists, and an exception is slower than this look.
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) mkdirSync(path, privateDirectoryMode);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw systemError(error, path, `create the directory ${quote(path)}`);
  }
  assertRealDirectory(path);
}

/**
 * The directory is opened without following links later; this only gives a better message for a missing one or a link.
 */
function assertRealDirectory(path: string): void {
  let stats: Stats;
  try {
    stats = lstatSync(path);
  } catch (error) {
    throw directoryError(error, path);
  }
  if (stats.isDirectory()) return;
  throw new SocketReferenceError(
    'ERR_SOCKREF_UNSAFE_DIRECTORY',
    `Unsafe directory ${quote(path)}: it is not a real directory; remove it, or set SOCKREF_DIR to another one`,
    { directory: path, uid: stats.uid, mode: stats.mode & 0o7777, reason: 'not-a-directory' },
  );
}
