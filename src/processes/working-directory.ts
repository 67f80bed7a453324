import { readlinkSync } from 'node:fs';
import { quote, SocketReferenceError } from '../errors/error.js';
import { errnoOf, systemError } from '../errors/system.js';

/** What the kernel adds to the path of a directory that was removed. */
const removed = / \(deleted\)$/;

/**
 * The working directory of this process.
 *
 * @throws SocketReferenceError `ERR_SOCKREF_DIRECTORY_NOT_FOUND` if it was removed
 */
export function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw systemError(error, undefined, 'find the working directory');
    const directory = formerDirectory();
    const which = directory === undefined ? '' : ` ${quote(directory)}`;
    throw new SocketReferenceError(
      'ERR_SOCKREF_DIRECTORY_NOT_FOUND',
      `The working directory${which} does not exist any more; change to one that exists (cd), and start again from there`,
      { ...(directory !== undefined && { directory }), cause: error },
    );
  }
}

/** Where it was, as far as anything still tells. */
function formerDirectory(): string | undefined {
  try {
    return readlinkSync('/proc/self/cwd').replace(removed, '');
  } catch {
    // Only the shell knows then, or nobody.
    return process.env['PWD'];
  }
}
