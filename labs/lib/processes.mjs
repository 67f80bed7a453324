import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * The processes that have to do with a directory, this one left out: it is named in their command, in the environment
 * that they were started with, or by something that they have open.
 *
 * @param {string} directory
 * @returns {number[]}
 */
export function processesOf(directory) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && mentions(`/proc/${pid}`, directory));
}

/**
 * @param {string} entry
 * @param {string} directory
 */
function mentions(entry, directory) {
  const texts = ['cmdline', 'environ'].map((name) => () => readFileSync(`${entry}/${name}`, 'latin1'));
  const files = attempt(() => readdirSync(`${entry}/fd`)) ?? [];
  const links = ['cwd', ...files.map((fd) => `fd/${fd}`)].map((name) => () => readlinkSync(`${entry}/${name}`));
  return [...texts, ...links].some((read) => attempt(read)?.includes(directory));
}

/**
 * Undefined for what has ended meanwhile, and for what is somebody else's.
 *
 * @template Value
 * @param {() => Value} read
 */
function attempt(read) {
  try {
    return read();
  } catch {
    return undefined;
  }
}
