import { constants } from 'node:os';
import type { NativeLocks } from './native-locks.js';

/** The part of `bun:ffi` that is used here. */
interface Ffi {
  dlopen(
    library: string,
    symbols: Record<string, { args: string[]; returns: string }>,
  ): { symbols: Record<string, (...args: unknown[]) => number> };
  read: { i32(pointer: number, offset: number): number };
}

const isLinux = process.platform === 'linux';

/** Open file description locks of Linux, as in `struct flock`: 16 bits of type, and zeros for "the whole file". */
const linux = { setLock: 37, exclusive: 1, unlock: 2, bytes: 32 } as const;

/** `flock()` of macOS. */
const macOs = { exclusive: 2, notBlocking: 4, unlock: 8 } as const;

/**
 * The locks of `fs-native-extensions` for Bun, made with the same system calls. Bun can load the original, but then
 * ends the process as soon as another process holds a lock: the original calls a function of libuv that Bun does not
 * have.
 */
export function bunLocks(require: NodeJS.Require): NativeLocks {
  const { dlopen, read } = require('bun:ffi') as Ffi;
  const errnoFunction = isLinux ? '__errno_location' : '__error';
  const { symbols } = dlopen(isLinux ? 'libc.so.6' : 'libSystem.B.dylib', {
    ...(isLinux
      ? { fcntl: { args: ['i32', 'i32', 'ptr'], returns: 'i32' } }
      : { flock: { args: ['i32', 'i32'], returns: 'i32' } }),
    [errnoFunction]: { args: [], returns: 'ptr' },
  });

  /** The number of the error; 0 if there was none. */
  const change = (fd: number, lock: boolean): number => {
    const result = isLinux
      ? symbols['fcntl']?.(fd, linux.setLock, fileLock(lock ? linux.exclusive : linux.unlock))
      : symbols['flock']?.(fd, lock ? macOs.exclusive | macOs.notBlocking : macOs.unlock);
    return result === 0 ? 0 : read.i32(symbols[errnoFunction]?.() ?? 0, 0);
  };
  return {
    tryLock(fd) {
      const errno = change(fd, true);
      if (errno === constants.errno.EAGAIN || errno === constants.errno.EWOULDBLOCK) return false;
      if (errno !== 0) throw failure(errno);
      return true;
    },
    unlock(fd) {
      const errno = change(fd, false);
      if (errno !== 0) throw failure(errno);
    },
  };
}

function fileLock(type: number): Uint8Array {
  const bytes = new Uint8Array(linux.bytes);
  new DataView(bytes.buffer).setInt16(0, type, true);
  return bytes;
}

/** As an error of the system for which libuv has no name. */
function failure(errno: number): Error {
  const syscall = isLinux ? 'fcntl' : 'flock';
  return Object.assign(new Error(`${syscall} failed with error ${errno}`), { code: 'UNKNOWN', errno: -errno, syscall });
}
