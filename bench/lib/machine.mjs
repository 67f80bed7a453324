// @ts-check
import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';

/** @import { Machine } from './types.mjs' */

/**
 * The machine of the measurement.
 *
 * @param {string} memory
 * @param {string} disk
 * @returns {Machine}
 */
export function describeMachine(memory, disk) {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release().split(/[-+]/)[0]}`,
    node: process.version,
    directories: `in memory: ${fileSystem(memory)}; on disk: ${fileSystem(disk)}`,
  };
}

/** @param {string} directory its parent has the same one, and may be all that is left */
function fileSystem(directory) {
  const { stdout } = spawnSync('df', ['--output=fstype', `${directory}/..`], { encoding: 'utf8' });
  return stdout?.trim().split('\n')[1] ?? 'unknown';
}
