import { randomFillSync } from 'node:crypto';

/** Random bytes in private names: Node unlinks them once more when a server closes, and must never hit another file. */
const nameBytes = 8;

/** Drawn in advance, and each used once: to ask for a few bytes costs as much as for many. */
const pool = Buffer.alloc(128 * nameBytes);
let used = pool.length;

/** A name that nobody can guess or meet: 16 hexadecimal digits. */
export function randomName(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += nameBytes;
  return pool.toString('hex', used - nameBytes, used);
}
