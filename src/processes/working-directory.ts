import { readlinkSync } from 'node:fs';
import { quote, SocketReferenceError } from '../errors/error.js';
import { errnoOf, systemError } from '../errors/system.js';

/** What the kernel appends to the path of a removed directory. */
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

/** Its former path, as far as it can still be found. */
function formerDirectory(): string | undefined {
  try {
    return readlinkSync('/proc/self/cwd').replace(removed, '');
  } catch {
    // Only the shell may know it now.
    return process.env['PWD'];
  }
}
