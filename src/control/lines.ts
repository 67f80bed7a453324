import { maxMessageBytes } from '../protocol/constants.js';

/** A line of more than {@link maxMessageBytes}. */
export class LineTooLong extends RangeError {}

const newline = 0x0a;

/** One for all lines: it keeps no state between lines, and creating one is slow. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Splits a stream of bytes into lines of UTF-8, holding at most one unfinished line in memory. */
export class LineSplitter {
  #parts: Buffer[] = [];
  #length = 0;

  /**
   * Passes each complete line to `line`, until it returns `false`.
   *
   * @throws LineTooLong if a line is too long, TypeError if the bytes are not UTF-8
   */
  push(chunk: Buffer, line: (text: string) => boolean): void {
    let from = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      const text = this.#take(chunk.subarray(from, at));
      from = at + 1;
      if (!line(text)) return;
    }
    this.#keep(chunk.subarray(from));
  }

  #take(last: Buffer): string {
    this.#check(last.length);
    const whole = this.#parts.length === 0 ? last : Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    this.#length = 0;
    return decoder.decode(whole);
  }

  #keep(rest: Buffer): void {
    this.#check(rest.length);
    if (rest.length === 0) return;
    // A copy: a slice would keep the whole chunk alive for as long as the line is unfinished.
    this.#parts.push(Buffer.from(rest));
    this.#length += rest.length;
    // Bytes that arrive one at a time must not need an object each.
    if (this.#parts.length > 64) this.#parts = [Buffer.concat(this.#parts)];
  }

  #check(more: number): void {
    if (this.#length + more <= maxMessageBytes) return;
    throw new LineTooLong(`a message of more than ${maxMessageBytes} bytes`);
  }
}
