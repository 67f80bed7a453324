import { privateNameDigits } from '../protocol/constants.js';

/** Random bytes in private names: Node unlinks them once more when a server closes, and must never hit another file. */
const nameBytes = privateNameDigits / 2;

/** Drawn in advance, and each used once: to ask for a few bytes costs as much as for many. */
const pool = Buffer.alloc(128 * nameBytes);
let used = pool.length;

/** A name that nobody can guess or meet: 16 hexadecimal digits. */
export function randomName(): string {
  if (used === pool.length) {
    crypto().randomFillSync(pool);
    used = 0;
  }
  used += nameBytes;
  return pool.toString('hex', used - nameBytes, used);
}

/** Half as many bytes that nobody can guess, as hexadecimal digits. */
export function randomDigits(count: number): string {
  return crypto()
    .randomBytes(count / 2)
    .toString('hex');
}

/** Loaded at first need: it takes milliseconds, and who joins a socket by its name draws nothing. */
function crypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto');
}
