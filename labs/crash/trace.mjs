/** What strace is told, and what it tells. */

import { existsSync, readFileSync } from 'node:fs';

/**
 * The place of a system call in the life of a process: the n-th of its name in the main thread.
 *
 * @typedef {object} Point
 * @property {string} call
 * @property {number} ordinal
 * @property {number} inside how many of its name there are in the phase up to here
 */

const marker = '/phase-of-the-crash-lab/';

/**
 * Calls that concern the process's own memory, threads and clocks. Nobody else can tell whether it died before or after
 * such a call, so the next call stands for them.
 */
const unseen = new Set(
  (
    'brk clock_gettime clock_nanosleep clone clone3 futex get_robust_list getpid gettid gettimeofday madvise mmap mprotect ' +
    'mremap munmap prctl restart_syscall rseq rt_sigaction rt_sigprocmask rt_sigreturn sched_yield set_robust_list sysinfo'
  ).split(' '),
);

/**
 * Starts Node so that all calls of its main thread are written down. Without `-f`: what V8's threads do is none of ours.
 *
 * @param {string} file
 */
export function recording(file) {
  return ['strace', '-qq', '-o', file];
}

/**
 * Starts Node so that it is killed on entering a call, which then does not happen.
 *
 * @param {string} file
 * @param {Point} point
 */
export function killing(file, { call, ordinal }) {
  return [
    ...['strace', '-qq', '-o', file, '-e', `trace=${call},access`],
    ...['-e', `inject=${call}:signal=KILL:when=${ordinal}`],
  ];
}

/**
 * The points of a recorded phase: each call between its marks, and the mark at its end, which stands for "all done".
 *
 * @param {string} file
 * @returns {Point[]}
 */
export function pointsIn(file) {
  /** @type {Map<string, number>} */
  const seen = new Map();
  /** @type {Map<string, number>} */
  let before = new Map();
  /** @type {Point[]} */
  const points = [];
  let inside = false;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const call = /^(\w+)\(/.exec(line)?.[1];
    if (call === undefined) continue;
    const ordinal = (seen.get(call) ?? 0) + 1;
    seen.set(call, ordinal);
    if (inside && !unseen.has(call)) points.push({ call, ordinal, inside: ordinal - (before.get(call) ?? 0) });
    if (line.includes(`${marker}begin`)) {
      inside = true;
      before = new Map(seen);
    }
    if (line.includes(`${marker}end`)) inside = false;
  }
  return points;
}

/**
 * What became of a process that was to be killed at a point: it died within its phase; or too early or too late, since
 * what it does before depends a little on time. Then `next` is where the point would have been in this run.
 *
 * @param {string} file
 * @param {Point} point
 * @returns {{hit: true} | {hit: false, next: Point}}
 */
export function outcome(file, point) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const begin = lines.findIndex((line) => line.includes(`${marker}begin`));
  if (begin < 0) return { hit: false, next: { ...point, ordinal: point.ordinal + 1 } };
  const end = lines.find((line) => line.includes(`${marker}end`));
  const killed = lines.some((line) => line.includes('killed by SIGKILL'));
  if (killed && !end?.includes('= -1')) return { hit: true };
  const before = lines.slice(0, begin + 1).filter((line) => line.startsWith(`${point.call}(`)).length;
  return { hit: false, next: { ...point, ordinal: before + point.inside } };
}
