import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';

/** The path that POSIX prescribes when PATH is not set. */
const defaultPath = '/usr/bin:/bin';

/** Why a program cannot be run; undefined if it can. It looks where a shell looks. */
export function whyNotRunnable(program: string, cwd: string, path: string | undefined): string | undefined {
  const places = program.includes('/')
    ? [resolve(cwd, program)]
    : (path ?? defaultPath).split(':').map((directory) => resolve(cwd, directory, program));
  let why = program.includes('/') ? 'does not exist' : 'was not found on PATH';
  for (const place of places) {
    if (!isFile(place)) continue;
    try {
      accessSync(place, constants.X_OK);
      return undefined;
    } catch {
      // There may be another one later in PATH.
      why = 'may not be executed';
    }
  }
  return why;
}

/** Errors do not count: in a directory of PATH that this user cannot read, a shell finds nothing, either. */
function isFile(place: string): boolean {
  try {
    return statSync(place).isFile();
  } catch {
    return false;
  }
}

/** Whether there is a directory at a path, as far as we can see. */
export function isDirectory(place: string): boolean {
  try {
    return statSync(place).isDirectory();
  } catch {
    return false;
  }
}
