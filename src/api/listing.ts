import { readdirSync } from 'node:fs';
import { isSocketReferenceError, quote } from '../errors/error.js';
import { errnoOf, systemError } from '../errors/system.js';
import { defaultDirectory } from '../files/default-directory.js';
import { canonicalDirectory } from '../files/directory.js';
import { joinPath } from '../files/paths.js';
import { lockSuffix } from '../protocol/constants.js';
import type { SocketInfo } from './info.js';
import { isMissing } from './locate.js';

/** How many sockets are asked at the same time. */
const concurrency = 16;

/** Errors for files that have the name of a lock file but are none of ours. */
const notOurs: ReadonlySet<string> = new Set([
  'ERR_SOCKREF_ADDRESS_IN_USE',
  'ERR_SOCKREF_PATH_TOO_LONG',
  'ERR_SOCKREF_INVALID_PATH',
]);

/**
 * Returns what `inspect` says of each socket in a directory, sorted by name. Without a directory it takes the default
 * one.
 */
export async function listSockets(
  directory: string | undefined,
  inspect: (path: string) => Promise<SocketInfo | undefined>,
): Promise<SocketInfo[]> {
  const paths = socketsIn(directory);
  const found: SocketInfo[] = [];
  for (let at = 0; at < paths.length; at += concurrency) {
    const asked = paths.slice(at, at + concurrency).map((path) => inspectOurs(path, inspect));
    for (const info of await Promise.all(asked)) if (info) found.push(info);
  }
  return found;
}

async function inspectOurs(path: string, inspect: (path: string) => Promise<SocketInfo | undefined>) {
  try {
    return await inspect(path);
  } catch (error) {
    if (isForeignLock(error)) return undefined;
    throw error;
  }
}

/** Whether an error says that a file has the name of a lock file but is none of ours. */
export function isForeignLock(error: unknown): boolean {
  return isSocketReferenceError(error) && notOurs.has(error.code);
}

/** The paths of the sockets that have a lock file in a directory. */
export function socketsIn(directory: string | undefined): string[] {
  try {
    const canonical = directory === undefined ? defaultDirectory(false) : canonicalDirectory(directory);
    const names = readdirSync(canonical).filter((name) => name.endsWith(lockSuffix) && name !== lockSuffix);
    return names.map((name) => joinPath(canonical, name.slice(0, -lockSuffix.length))).sort();
  } catch (error) {
    // The default directory does not exist yet.
    if (directory === undefined && (isMissing(error) || errnoOf(error) === 'ENOENT')) return [];
    throw systemError(error, directory ?? '', `list the directory ${quote(directory ?? 'by default')}`);
  }
}
