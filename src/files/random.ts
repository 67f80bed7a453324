import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { privateNameDigits } from '../protocol/constants.js';

/** Random bytes in private names: Node unlinks them again when a server closes, and must never hit another file. */
const nameBytes = privateNameDigits / 2;

/** Drawn in advance, and each used once: drawing a few bytes is as slow as drawing many. */
const pool = Buffer.alloc(128 * nameBytes);
let used = pool.length;

/** A random name that cannot be guessed or repeated: 16 hexadecimal digits. */
export function randomName(): string {
  if (used === pool.length) {
    fill(pool);
    used = 0;
  }
  used += nameBytes;
  return pool.toString('hex', used - nameBytes, used);
}

/** So many random hexadecimal digits, each half of a random byte. */
export function randomDigits(count: number): string {
  const bytes = Buffer.alloc(count / 2);
  fill(bytes);
  return bytes.toString('hex');
}

/** Node's own module takes milliseconds to load, more than all else of a first start, so the kernel is asked first. */
function fill(bytes: Buffer): void {
  if (!isFilledByKernel(bytes)) process.getBuiltinModule('node:crypto').randomFillSync(bytes);
}

function isFilledByKernel(bytes: Buffer): boolean {
  try {
    // Even if it is a pipe by now, the open does not wait.
    const fd = openSync('/dev/urandom', constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return fstatSync(fd).isCharacterDevice() && readSync(fd, bytes, 0, bytes.length, null) === bytes.length;
    } finally {
      closeSync(fd);
    }
  } catch {
    // There is no such device, it may not be read, or no descriptor is free. Node's module needs none of that.
    return false;
  }
}
