/** Looks at an endpoint from outside, through the kernel. This file does not use the library. */

import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';

/**
 * @param {string} path
 * @returns {string | undefined} device and inode
 */
export function fileAt(path) {
  try {
    const { dev, ino } = lstatSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

/**
 * Which processes hold an exclusive lock on the file that is linked at each path now. The kernel says it for each of their
 * descriptors.
 *
 * @param {readonly string[]} paths
 * @param {readonly number[]} pids
 * @returns {Map<string, number[]>}
 */
export function lockHolders(paths, pids) {
  const holders = new Map(paths.map((path) => [path, /** @type {number[]} */ ([])]));
  for (const pid of pids) {
    for (const fd of descriptors(pid)) {
      // An unlinked file has another name here, with "(deleted)" after it.
      const known = holders.get(linkOf(pid, fd) ?? '');
      // A keeper begins with several copies of its lock.
      if (known && !known.includes(pid) && isLocked(pid, fd)) known.push(pid);
    }
  }
  // A process that inherited the lock has the same one, until its starter has closed its copy.
  for (const [path, pids] of holders) {
    const parents = pids.length > 1 ? pids.map(parentOf) : [];
    holders.set(
      path,
      pids.filter((_, at) => !pids.includes(parents[at] ?? 0)),
    );
  }
  return holders;
}

/** @param {number} pid */
function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

/**
 * Checks whether the files are consistent (I2, I4). A socket that no record names would stay after the next crash. A
 * record that names another socket would mean that a process put it there without the lock.
 *
 * @param {string} path of the data socket, or of the control socket
 * @param {string} lock
 * @returns {string | undefined} what is wrong
 */
export function strayFile(path, lock) {
  const before = fileAt(path);
  if (before === undefined) return undefined;
  const record = textOf(lock);
  // A linked socket was recorded before, so a record that is read now names it, unless the socket is gone since.
  if (fileAt(path) !== before) return undefined;
  const [dev, ino] = before.split(':');
  if (record?.includes(`"dev":"${dev}","ino":"${ino}"`)) return undefined;
  return `${path} is ${before}, and ${record === undefined ? 'there is no record' : `the record says ${record}`}`;
}

/**
 * Connects and leaves, as one more client.
 *
 * @param {string} path
 */
export function knock(path) {
  const socket = connect({ path });
  socket.on('error', () => {});
  socket.on('data', () => {});
}

/** @param {string} path */
function textOf(path) {
  try {
    const fd = openSync(path, 'r');
    try {
      return readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function descriptors(pid) {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    // It has ended.
    return [];
  }
}

/**
 * @param {number} pid
 * @param {string} fd
 */
function linkOf(pid, fd) {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return undefined;
  }
}

/**
 * @param {number} pid
 * @param {string} fd
 */
function isLocked(pid, fd) {
  try {
    return /OFDLCK\s+ADVISORY\s+WRITE/.test(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'));
  } catch {
    return false;
  }
}
