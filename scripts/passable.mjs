import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Whether every user may pass through a directory and through all directories above it.
 *
 * @param {string} directory
 * @returns {boolean}
 */
export function isPassable(directory) {
  const here = realpathSync(directory);
  const passable = (statSync(here).mode & 0o001) !== 0;
  return passable && (dirname(here) === here || isPassable(dirname(here)));
}
