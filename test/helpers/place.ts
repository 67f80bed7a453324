import { it } from 'vitest';
import { Directory } from '#src/files/directory.js';
import { LockFile } from '#src/files/lock-file.js';
import { endpointNames, type Place } from '#src/files/place.js';
import { withDirectory } from './directory.js';

/** The user id that tests use for another user. */
export const otherUid = process.getuid?.() === 65_534 ? 65_533 : 65_534;

/** Whether a test can give files to another user here. */
export const isRoot = process.geteuid?.() === 0;

declare module 'vitest' {
  interface TaskMeta {
    /** What a skipped test needs. */
    needs?: string;
  }
}

/** A test that only root can run. For others it is skipped, and the report says why. */
export function itAsRoot(name: string, test: () => unknown): void {
  it(name, async ({ task, skip }) => {
    if (!isRoot) {
      task.meta.needs = 'needs root';
      skip(task.meta.needs);
    }
    await test();
  });
}

/** Runs a test with the opened place of `app.sock` in a directory that must be empty at the end. */
export function withPlace<Value>(test: (place: Place) => Value | Promise<Value>): Promise<Value> {
  return withDirectory(async (path) => {
    const directory = Directory.open(path);
    try {
      return await test({ directory, names: endpointNames('app.sock'), path: `${path}/app.sock` });
    } finally {
      directory.release();
    }
  });
}

/** Takes the lock of a place, which must be free. */
export function takeLock(place: Place): LockFile {
  const attempt = LockFile.attempt(place, true);
  if (attempt.kind !== 'held') throw new Error(`The lock was to be free, but is ${attempt.kind}`);
  return attempt.lock;
}

/** The error that a call threw; fails if it threw nothing. */
export function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('The call was to throw');
}
