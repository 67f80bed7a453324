// @ts-check
import { Process } from '../../labs/lib/process.mjs';

/**
 * Starts a program of bench/programs, which is told whether this run is a short one.
 *
 * @param {string} name
 */
export function startProgram(name) {
  return Process.start(new URL(`../programs/${name}.mjs`, import.meta.url), {
    args: process.argv.includes('--quick') ? ['--quick'] : [],
  });
}
