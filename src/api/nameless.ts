import { readdirSync } from 'node:fs';
import type { Report } from '../context.js';
import { isSocketReferenceError } from '../errors/error.js';
import { systemError } from '../errors/system.js';
import { LockFile } from '../files/lock-file.js';
import { joinPath } from '../files/paths.js';
import type { Place } from '../files/place.js';
import { removeLeftoversUnder } from '../ownership/remove-leftovers.js';
import { generatedNameDigits, lockSuffix, maxNamelessTried } from '../protocol/constants.js';
import { isForeignLock } from './listing.js';
import { openPlace } from './locate.js';

/** The generated name of a socket that was acquired without a name. */
const generated = new RegExp(`^[0-9a-f]{${generatedNameDigits}}\\.sock$`);

/**
 * Removes the files that dead owners of nameless sockets left in the default directory. No other process would remove
 * them, because their names are random. An acquire of a nameless socket calls this and does not wait for it. Live
 * owners hold their locks, and this function leaves their files alone. An owner that is just starting finds its lock taken for a moment, as by
 * any other claim.
 */
export function removeNamelessLeftovers(directory: string, report: Report): void {
  const fault = (path: string, error: unknown): void => {
    // Not a lock file of ours, or one of another version: leave it alone. Nothing is wrong.
    if (isForeignLock(error) || isOfAnotherVersion(error)) return;
    report.fault(path, systemError(error, path, `remove what is left of ${path}`));
  };
  try {
    for (const name of someNameless(directory)) {
      const path = joinPath(directory, name);
      removeIfStale(path, directory, name, report).catch((error: unknown) => fault(path, error));
    }
  } catch (error) {
    fault(directory, error);
  }
}

/** Begins at a random file, so that live sockets do not hide the others for ever. */
function someNameless(directory: string): string[] {
  const names = readdirSync(directory)
    .filter((name) => name.endsWith(lockSuffix))
    .map((name) => name.slice(0, -lockSuffix.length))
    .filter((name) => generated.test(name));
  const first = Math.floor(Math.random() * names.length);
  return [...names.slice(first), ...names.slice(0, first)].slice(0, maxNamelessTried);
}

async function removeIfStale(path: string, directory: string, name: string, report: Report): Promise<void> {
  const place: Place = openPlace({ path, directory, name, isDefault: true });
  try {
    const attempt = LockFile.attempt(place, false);
    if (attempt.kind !== 'held') return;
    const { pid, names } = await removeLeftoversUnder(attempt.lock);
    if (names.length > 0) report.reclaimed(path, pid, names);
  } finally {
    place.directory.release();
  }
}

function isOfAnotherVersion(error: unknown): boolean {
  return isSocketReferenceError(error) && error.code === 'ERR_SOCKREF_PROTOCOL';
}
