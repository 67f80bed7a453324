/** The errors with which each call can fail, on Linux and any file system. */

import { constants } from 'node:os';

const space = /** @type {const} */ (['ENOSPC', 'EDQUOT']);

/**
 * The errors of each call. `SHORT`: a write accepts only a part. `EXEC …`: a process starts, and cannot become the
 * program. Errors that would be a lie are left out, such as "no such file" for an existing file, because the library
 * relies on them. shutdown() never fails for a connected Unix socket.
 *
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const errnos = {
  open: ['EACCES', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM'],
  create: ['EACCES', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'EROFS', ...space],
  read: ['EIO', 'ENOMEM'],
  write: ['EIO', 'SHORT', ...space],
  writev: ['EIO', ...space],
  truncate: ['EIO', 'EPERM', ...space],
  close: ['EIO', ...space],
  sync: ['EIO', ...space],
  stat: ['EACCES', 'EIO', 'ENOMEM'],
  link: ['EACCES', 'EPERM', 'EIO', 'EROFS', ...space],
  unlink: ['EACCES', 'EPERM', 'EIO', 'EBUSY', 'EROFS'],
  rename: ['EACCES', 'EIO', 'EROFS', ...space],
  mkdir: ['EACCES', 'EIO', 'EROFS', ...space],
  rmdir: ['EACCES', 'EPERM', 'EIO', 'EBUSY', 'EROFS'],
  chmod: ['EPERM', 'EIO', 'EROFS'],
  readlink: ['EACCES', 'EIO', 'ENOMEM'],
  realpath: ['EACCES', 'EIO', 'ENOMEM'],
  getcwd: ['ENOENT', 'EACCES'],
  access: ['EACCES', 'EIO'],
  opendir: ['EACCES', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM'],
  readdir: ['EIO'],
  lock: ['ENOLCK', 'EIO', 'EINTR'],
  unlock: ['ENOLCK', 'EIO'],
  dup: ['EMFILE'],
  socket: ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EACCES'],
  bind: ['EACCES', 'EIO', 'ENOMEM', 'EROFS', ...space],
  listen: ['ENOBUFS', 'EINVAL'],
  accept: ['EMFILE', 'ENFILE', 'ENOMEM', 'ECONNABORTED', 'EAGAIN'],
  connect: ['ECONNREFUSED', 'EAGAIN', 'EACCES', 'ENOENT', 'ENOMEM', 'ECONNRESET'],
  send: ['EPIPE', 'ECONNRESET', 'ENOBUFS', 'ENOMEM', 'EAGAIN'],
  receive: ['ECONNRESET', 'ENOMEM', 'EAGAIN'],
  socketpair: ['EMFILE', 'ENFILE'],
  pipe: ['EMFILE', 'ENFILE'],
  fork: ['EAGAIN', 'ENOMEM', 'EXEC ENOMEM', 'EXEC EACCES'],
  kill: ['EPERM'],
  probe: ['EPERM'],
};

/**
 * One error at one call.
 *
 * @typedef {object} Injection
 * @property {string} call
 * @property {number} number which of these calls, from 1
 * @property {string} fails a name of {@link errnos}
 */

/** Fails at nothing: for tracing. @type {Injection} */
export const nothing = { call: 'none', number: 0, fails: 'EIO' };

/**
 * The form of it for inject.c.
 *
 * @param {Injection} injection
 * @param {string} log
 */
export function specOf({ call, number, fails }, log) {
  const [how, name] =
    fails === 'SHORT' ? ['short', 'EIO'] : fails.startsWith('EXEC ') ? ['exec', fails.slice(5)] : ['error', fails];
  const errno = /** @type {Record<string, number>} */ (constants.errno)[name];
  if (errno === undefined) throw new Error(`There is no ${name} here`);
  return `${call}:${number}:${errno}:${how}:${log}`;
}
