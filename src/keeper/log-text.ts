import { StringDecoder } from 'node:string_decoder';

/** Leaves out the zeros that are read where a file has a hole. */
export function withoutZeros(bytes: Buffer): Buffer {
  return bytes.includes(0) ? Buffer.from(bytes.filter((byte) => byte !== 0)) : bytes;
}

/**
 * Whole lines as text, without blank ones around them.
 *
 * @param isCut - whether the first byte is not the first of them all: then lines begin behind the first newline
 */
export function lastLines(bytes: Buffer, isCut: boolean): string {
  const whole = isCut ? bytes.subarray(startOfLine(bytes)) : bytes;
  // The decoder keeps back a letter of which the rest is missing.
  const text = new StringDecoder('utf8').write(withoutZeros(whole));
  return text.replace(/^(?:[^\S\n]*\n)+/, '').trimEnd();
}

/** Behind the first newline; if that is the last byte, or there is none, the line is too long, and begins at a letter. */
function startOfLine(bytes: Buffer): number {
  const newline = bytes.indexOf('\n');
  if (newline >= 0 && newline < bytes.length - 1) return newline + 1;
  const letter = bytes.findIndex((byte, index) => index > 0 && !isInsideLetter(byte));
  return Math.max(0, letter);
}

function isInsideLetter(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
