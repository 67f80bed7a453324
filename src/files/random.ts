import { privateNameDigits } from '../protocol/constants.js';

/** Random bytes in private names: Node unlinks them again when a server closes, and must never hit another file. */
const nameBytes = privateNameDigits / 2;

/** Drawn in advance, and each used once: drawing a few bytes is as slow as drawing many. */
const pool = Buffer.alloc(128 * nameBytes);
let used = pool.length;

/** A random name that cannot be guessed or repeated: 16 hexadecimal digits. */
export function randomName(): string {
  if (used === pool.length) {
    crypto().randomFillSync(pool);
    used = 0;
  }
  used += nameBytes;
  return pool.toString('hex', used - nameBytes, used);
}

/** So many random hexadecimal digits, each half of a random byte. */
export function randomDigits(count: number): string {
  return crypto()
    .randomBytes(count / 2)
    .toString('hex');
}

/** Loaded at first use: it takes milliseconds, and joining a socket by its name needs no random bytes. */
function crypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto');
}
