/** The options and the output of strace. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';

/**
 * The place of a system call in the life of a process: the n-th of its name in the main thread.
 *
 * @typedef {object} Point
 * @property {string} call
 * @property {number} ordinal
 * @property {number} inside how many of its name there are in the phase up to here
 */

/**
 * Where a phase begins and ends in a trace.
 *
 * @typedef {object} Marks
 * @property {string} call by which they are made
 * @property {(lines: readonly string[]) => number | undefined} begin the line of the first mark, -1 if it is before all
 * of them; undefined if it never came
 * @property {(lines: readonly string[]) => number | undefined} end likewise
 */

const marker = '/phase-of-the-crash-lab/';
/** A question that other processes ask a keeper at the beginning and end of a phase. The keeper does not know the lab. */
const question = '"{\\"type\\":\\"who\\"}';

/** @type {Marks} */
const ownMarks = {
  call: 'access',
  begin: (lines) => find(lines, (line) => line.includes(`${marker}begin`)),
  end: (lines) => find(lines, (line) => line.includes(`${marker}end`)),
};

/** @type {Record<NonNullable<import('./phases.mjs').Phase['keeper']>, Marks>} */
const keepersMarks = {
  boots: { call: 'read', begin: (lines) => (lines.length > 0 ? -1 : undefined), end: (lines) => find(lines, asks, 0) },
  serves: { call: 'read', begin: (lines) => find(lines, asks, 0), end: (lines) => find(lines, asks, 1) },
  ends: { call: 'read', begin: (lines) => find(lines, asks, 0), end: () => undefined },
};

/** @param {string} line */
function asks(line) {
  return line.startsWith('read(') && line.includes(question);
}

/**
 * @param {readonly string[]} lines
 * @param {(line: string) => boolean} isIt
 * @param {number} which
 */
function find(lines, isIt, which = 0) {
  return lines.flatMap((line, at) => (isIt(line) ? [at] : []))[which];
}

/** @param {import('./phases.mjs').Phase} phase */
export function marksOf({ keeper }) {
  return keeper ? keepersMarks[keeper] : ownMarks;
}

/**
 * Calls that concern the process's own memory, threads and clocks. No other process can tell whether it died before or
 * after such a call, so the next call represents them.
 */
const unseen = new Set(
  (
    'brk clock_gettime clock_nanosleep clone clone3 futex get_robust_list getpid gettid gettimeofday madvise mmap mprotect ' +
    'mremap munmap prctl restart_syscall rseq rt_sigaction rt_sigprocmask rt_sigreturn sched_yield set_robust_list sysinfo'
  ).split(' '),
);

/** Others can see a new process, unlike a new thread. */
const makesProcess = /SIGCHLD|^vfork|^fork/;

/**
 * Calls by which a process only looks, or changes only itself. A process that is killed at one of them leaves the same as
 * at its next call that changes something. Where a process loads programs and looks at all processes there are thousands
 * of them, and one in so many is tried.
 */
const looks = new Set(
  (
    'access arch_prctl capget epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2 fstat getcwd getdents64 getegid geteuid ' +
    'getgid getrandom getsockname getsockopt getuid ioctl lstat newfstatat pipe2 pkey_alloc pread64 prlimit64 read readlink ' +
    'sched_getaffinity set_tid_address stat statx uname'
  ).split(' '),
);
const oneIn = 50;

/**
 * @param {string} call
 * @param {string} line
 */
function onlyLooks(call, line) {
  if (call === 'openat' || call === 'open') return !line.includes('O_CREAT');
  if (call === 'fcntl') return !line.includes('SETLK');
  // Descriptors whose other end another process has, or waits for.
  if (call === 'close') return !/<socket:|\.lock>/.test(line);
  if (call === 'write') return /^write\(\d+<(pipe|anon_inode):/.test(line);
  return looks.has(call);
}

/**
 * Starts Node so that all calls of its main thread are written down. Without `-f`: the calls of V8's threads do not
 * matter.
 *
 * @param {string} file
 * @param {import('./phases.mjs').Phase} phase
 */
export function recording(file, phase) {
  return [...tracer(file, phase), '-y'];
}

/**
 * Starts Node so that it is killed on entering a call, which then does not happen.
 *
 * @param {string} file
 * @param {import('./phases.mjs').Phase} phase
 * @param {Point} point
 */
export function killing(file, phase, { call, ordinal }) {
  const inject = `inject=${call}:signal=KILL:when=${ordinal}`;
  return [...tracer(file, phase), '-e', `trace=${call},${marksOf(phase).call}`, '-e', inject];
}

/**
 * A keeper must stay the child of the process that started it (-D).
 *
 * @param {string} file
 * @param {import('./phases.mjs').Phase} phase
 */
function tracer(file, { keeper }) {
  return ['strace', ...(keeper ? ['-D'] : []), '-qq', '-o', file];
}

/**
 * Traces a running thread with strace, from its next call on. Resolves when it traces, with the end of the tracing.
 *
 * @param {readonly string[]} tracer
 * @param {number} thread
 */
export async function attach([program, ...args], thread) {
  // With --quiet it would not say that it has attached.
  const how = [...args.filter((arg) => arg !== '-qq'), '--quiet=exit', '-p', String(thread)];
  const child = spawn(/** @type {string} */ (program), how, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit').then(() => {});
  let said = '';
  await new Promise((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text;
      if (said.includes('attached')) resolve(undefined);
    });
    void ended.then(() => reject(new Error(`strace could not attach: ${said}`)));
  });
  // In an object, because `await` would wait for a bare promise.
  return { ended };
}

/**
 * The points of a recorded phase: each call between its marks, and the mark at its end, which stands for "all done".
 *
 * @param {string} file
 * @param {import('./phases.mjs').Phase} phase
 * @returns {Point[]}
 */
export function pointsIn(file, phase) {
  const marks = marksOf(phase);
  // Only there are they so many.
  const thin = phase.command !== undefined;
  const lines = readFileSync(file, 'utf8').split('\n');
  const begin = marks.begin(lines);
  const end = marks.end(lines);
  /** @type {Map<string, number>} */
  const seen = new Map();
  /** @type {Map<string, number>} */
  let before = new Map();
  /** @type {Point[]} */
  const points = [];
  let looked = 0;
  for (const [at, line] of lines.entries()) {
    const call = /^(\w+)\(/.exec(line)?.[1];
    if (call === undefined) continue;
    const ordinal = (seen.get(call) ?? 0) + 1;
    seen.set(call, ordinal);
    const inside = begin !== undefined && at > begin && (end === undefined || at <= end);
    const isSeen = !unseen.has(call) || makesProcess.test(line);
    const isTried = inside && isSeen && (!thin || at === end || !onlyLooks(call, line) || looked++ % oneIn === 0);
    if (isTried) points.push({ call, ordinal, inside: ordinal - (before.get(call) ?? 0) });
    if (at === begin) before = new Map(seen);
  }
  return points;
}

/**
 * The result for a process that should be killed at a point: it died within its phase, or too early or too late, because
 * its earlier calls vary a little. Then `next` is where the point would have been in this run.
 *
 * @param {string} file
 * @param {Marks} marks
 * @param {Point} point
 * @returns {{hit: true} | {hit: false, next: Point}}
 */
export function outcome(file, marks, point) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const begin = marks.begin(lines);
  if (begin === undefined) return { hit: false, next: { ...point, ordinal: point.ordinal + 1 } };
  const end = lines[marks.end(lines) ?? -1];
  const killed = lines.some((line) => line.includes('killed by SIGKILL'));
  if (killed && (end === undefined || !/ = -?\d/.test(end))) return { hit: true };
  // There were fewer calls this time.
  if (begin < 0) return { hit: false, next: { ...point, ordinal: Math.max(1, point.ordinal - 1) } };
  const before = lines.slice(0, begin + 1).filter((line) => line.startsWith(`${point.call}(`)).length;
  return { hit: false, next: { ...point, ordinal: before + point.inside } };
}
