import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * The processes that use a directory, except this one. The directory is in their command, in the environment at their
 * start, or in the name of an open file.
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
 * Milliseconds between two looks at the killed processes, and for how long that may take: processes of another user
 * stay.
 */
const lookEveryMs = 2;
const watchdogMs = 30_000;

/**
 * Kills them, and the processes that they start meanwhile. Returns when they are gone. It is synchronous, so that a process
 * can call it at its exit.
 *
 * @param {string} directory
 */
export function endProcessesOf(directory) {
  const deadline = performance.now() + watchdogMs;
  for (;;) {
    const left = processesOf(directory);
    if (left.length === 0 || performance.now() > deadline) return;
    for (const pid of left) attempt(() => process.kill(pid, 'SIGKILL'));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lookEveryMs);
  }
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
 * Undefined for a process that has ended meanwhile, or that belongs to another user.
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
