import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes a directory of mode 0700 for one test. Short, since a socket's address takes 107 bytes; canonical. */
export async function makeDirectory(): Promise<string> {
  return realpath(await mkdtemp(join(tmpdir(), 't-')));
}

/** Removes a directory with its content, and throws if it was not empty. */
async function removeEmpty(directory: string): Promise<void> {
  const left = await readdir(directory);
  await rm(directory, { recursive: true, force: true });
  if (left.length > 0) throw new Error(`The directory of the test was to end empty, but held ${left.join(', ')}`);
}

/**
 * Runs a test in its own directory, and asserts that it leaves the directory empty. If the test fails, that error is
 * thrown.
 *
 * @example
 * ```ts
 * it('leaves no file', () => withDirectory(async (directory) => { … }));
 * ```
 */
export async function withDirectory<Value>(test: (directory: string) => Value | Promise<Value>): Promise<Value> {
  return withDirectories(1, (directory) => test(directory));
}

/** As {@link withDirectory}, with several directories. */
export async function withDirectories<Value>(
  count: number,
  test: (...directories: [string, ...string[]]) => Value | Promise<Value>,
): Promise<Value> {
  const directories: string[] = [];
  for (let made = 0; made < count; made++) directories.push(await makeDirectory());
  let result: Value;
  try {
    result = await test(...(directories as [string, ...string[]]));
  } catch (error) {
    // Unfinished work of the test may continue there, and must not hide why the test failed.
    const removals = directories.map((each) => rm(each, { recursive: true, force: true, maxRetries: 5 }));
    await Promise.allSettled(removals);
    throw error;
  }
  const ends = await Promise.allSettled(directories.map(removeEmpty));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return result;
}
