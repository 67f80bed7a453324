import { constants } from 'node:os';
import type { SocketReferenceErrorCode } from '../protocol/errors.js';
import { isSocketReferenceError, SocketReferenceError } from './error.js';

const codes: Record<string, SocketReferenceErrorCode> = {
  EACCES: 'ERR_SOCKREF_PERMISSION_DENIED',
  EPERM: 'ERR_SOCKREF_PERMISSION_DENIED',
  EROFS: 'ERR_SOCKREF_PERMISSION_DENIED',
  ERR_ACCESS_DENIED: 'ERR_SOCKREF_PERMISSION_DENIED',
  EMFILE: 'ERR_SOCKREF_LIMIT_EXCEEDED',
  ENFILE: 'ERR_SOCKREF_LIMIT_EXCEEDED',
  ENOSPC: 'ERR_SOCKREF_LIMIT_EXCEEDED',
  EDQUOT: 'ERR_SOCKREF_LIMIT_EXCEEDED',
  ENOTSUP: 'ERR_SOCKREF_UNSUPPORTED',
  EOPNOTSUPP: 'ERR_SOCKREF_UNSUPPORTED',
  ENOSYS: 'ERR_SOCKREF_UNSUPPORTED',
  ENOLCK: 'ERR_SOCKREF_UNSUPPORTED',
};

const limits: Record<string, { limit: string; advice: string }> = {
  EMFILE: { limit: 'descriptors of this process', advice: 'close what is not needed, or raise `ulimit -n`' },
  ENFILE: { limit: 'descriptors of this machine', advice: 'close what is not needed, or raise `fs.file-max`' },
  ENOSPC: { limit: 'disk space', advice: 'make room on the file system of the directory' },
  EDQUOT: { limit: 'disk quota', advice: 'make room in your quota' },
};

/** The name of a system error, such as `ENOENT`; undefined for any other value. */
export function errnoOf(error: unknown): string | undefined {
  // Read by its shape: in a test runner or a `node:vm` context the errors of Node belong to another `Error` class.
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, errno } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string') return undefined;
  const unknown = /^(?:UNKNOWN|Unknown system error (-\d+))$/.exec(code);
  if (!unknown) return code;
  // The native locks give the number in the message alone.
  return nameOf(errno ?? Number(unknown[1]));
}

/** libuv has no name for EDQUOT and ENOLCK. */
function nameOf(errno: number): string | undefined {
  return Object.entries(constants.errno).find(([, number]) => number === -errno)?.[0];
}

/**
 * Turns an error of the system into a typed one that keeps it as its cause.
 *
 * @param path - the path of the socket that the caller asked for, if there is one
 * @param doing - the operation that failed, as in "cannot <doing>"
 */
export function systemError(error: unknown, path: string | undefined, doing: string): SocketReferenceError {
  if (isSocketReferenceError(error)) return error;
  const errno = errnoOf(error);
  const syscall = (error as NodeJS.ErrnoException | undefined)?.syscall;
  const code = (errno !== undefined ? codes[errno] : undefined) ?? 'ERR_SOCKREF_SYSTEM';
  const known = errno === undefined ? undefined : limits[errno];
  const what = errno === undefined ? String(error) : `${syscall ?? 'the system'} failed with ${errno}`;
  return new SocketReferenceError(code, `Cannot ${doing}: ${what}${advice(code, errno)}`, {
    ...(path !== undefined && { path }),
    ...(errno !== undefined && { errno }),
    ...(syscall !== undefined && { syscall }),
    ...(known && { limit: known.limit }),
    cause: error,
  });
}

/**
 * The error that a call of the public API fails with: a typed error, or the AbortError of a signal.
 *
 * @param path - the path of the socket that the caller asked for, if there is one
 */
export function typedError(error: unknown, path: string | undefined, doing: string): Error {
  const isAbort = (error as Partial<Error> | null | undefined)?.name === 'AbortError';
  return isAbort ? (error as Error) : systemError(error, path, doing);
}

function advice(code: SocketReferenceErrorCode, errno: string | undefined): string {
  const known = errno === undefined ? undefined : limits[errno];
  if (known) return `; the limit is the ${known.limit}: ${known.advice}`;
  if (errno === 'ERR_ACCESS_DENIED') {
    return "; Node's permission model refuses it: pass --allow-fs-write with the directory of the socket, and --allow-net where Node has it";
  }
  if (code === 'ERR_SOCKREF_PERMISSION_DENIED') {
    return '; grant this user write and search permission there, or choose another directory';
  }
  if (code === 'ERR_SOCKREF_UNSUPPORTED') return '; use a local file system with hard links and file locks';
  return '';
}
