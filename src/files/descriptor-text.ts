import { fstatSync, readSync, writeSync } from 'node:fs';

/** The first bytes of an open file, as text. */
export function readText(fd: number, bytes: number): string {
  const buffer = Buffer.alloc(Math.min(bytes, Number(fstatSync(fd).size)));
  let length = 0;
  while (length < buffer.length) {
    const read = readSync(fd, buffer, length, buffer.length - length, length);
    if (read === 0) break;
    length += read;
  }
  return buffer.toString('utf8', 0, length);
}

/** Writes all bytes: the system may accept only a part of them at once. */
export function writeText(fd: number, bytes: Buffer, at: number): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(fd, bytes, written, bytes.length - written, at + written);
}
