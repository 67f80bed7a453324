import { StringDecoder } from 'node:string_decoder';

/** Removes the zeros that a hole in a file reads as. */
export function withoutZeros(bytes: Buffer): Buffer {
  return bytes.includes(0) ? Buffer.from(bytes.filter((byte) => byte !== 0)) : bytes;
}

/**
 * Whole lines as text, without blank lines around them.
 *
 * @param isCut - whether bytes before these are missing: then the first line begins after the first newline
 */
export function lastLines(bytes: Buffer, isCut: boolean): string {
  const whole = isCut ? bytes.subarray(startOfLine(bytes)) : bytes;
  // The decoder holds back an incomplete character.
  const text = new StringDecoder('utf8').write(withoutZeros(whole));
  return text.replace(/^(?:[^\S\n]*\n)+/, '').trimEnd();
}

/**
 * The index after the first newline. If that is the last byte, or there is none, the line is too long, and begins at a
 * character.
 */
function startOfLine(bytes: Buffer): number {
  const newline = bytes.indexOf('\n');
  if (newline >= 0 && newline < bytes.length - 1) return newline + 1;
  const letter = bytes.findIndex((byte, index) => index > 0 && !isInsideLetter(byte));
  return Math.max(0, letter);
}

function isInsideLetter(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
