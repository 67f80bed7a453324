import { closeSync, constants, fstatSync, ftruncateSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../clock.js';
import { quote } from '../errors.js';
import { errnoOf, systemError } from '../system-errors.js';
import { makePrivateDirectory, openPrivate, readIfThere } from './log-file.js';
import { lastLines, withoutZeros } from './log-text.js';

/** Bytes that a log may grow to; as much as anybody reads, on a disk that nobody watches. */
export const maxLogBytes = 1_048_576;
/** Bytes that are kept in the older part when a log has grown to its limit. */
const keptBytes = maxLogBytes / 2;
/** Bytes of a server's last words that an error carries: some forty lines. */
const tailBytes = 4_096;
/** Milliseconds between two looks at the size. A server that writes 100 MB a second fills 25 MB meanwhile. */
const watchMs = 250;

/**
 * A log, kept below a size. A server writes to it by itself, by an inherited descriptor: so it can be opened anew by its
 * name, as `/dev/stderr` say, no pipe can be full, and nothing is lost when the keeper dies.
 */
export class LogFile {
  /** For a server's stdout and stderr. Each write goes to the end, wherever that is by then. */
  readonly fd: number;
  readonly #file: string;
  /** How many bytes were written before those that the file begins with, as far as we cut them off. */
  #before = 0;
  /** As many bytes were written before the last start. */
  #mark = 0;
  #open = true;

  private constructor(file: string, fd: number) {
    this.#file = file;
    this.fd = fd;
  }

  /**
   * Opens a log, and makes it and its directories if they are missing.
   *
   * @throws SocketReferenceError when it cannot be made, or when something else lies there
   */
  static open(file: string): LogFile {
    try {
      makePrivateDirectory(dirname(file));
      const log = new LogFile(file, openPrivate(file, constants.O_RDWR | constants.O_APPEND));
      log.mark();
      return log;
    } catch (error) {
      throw systemError(error, file, `open the log ${quote(file)}`);
    }
  }

  /** What is written from here on belongs to the next start. */
  mark(): void {
    this.#mark = this.#before + this.#size();
  }

  /** The end of what was written since the mark: whole lines, at most so many bytes. */
  tail(maxBytes = tailBytes): string {
    const size = this.#size();
    const end = this.#before + size;
    // Less than at the mark: somebody else has emptied the file since.
    const mark = this.#mark > end ? this.#before : this.#mark;
    // One byte more: it tells whether a line begins behind it.
    const from = Math.max(mark, end - maxBytes - 1);
    const older = this.#before - from;
    const parts = [this.#read(Math.max(0, -older), size)];
    if (older > 0) parts.unshift(readIfThere(olderPart(this.#file)).subarray(-older));
    const bytes = Buffer.concat(parts);
    return lastLines(bytes, from > mark && bytes.length === end - from);
  }

  /** Adds a text. */
  write(text: string): void {
    writeSync(this.fd, text);
    this.limit();
  }

  /** Cuts the log off if it has grown too large, and keeps the newer half of it beside it. */
  limit(): void {
    if (!this.#open || this.#size() <= maxLogBytes) return;
    try {
      this.#keep();
    } catch (error) {
      // No room, most likely. That the log has an end counts for more than what it says.
      if (errnoOf(error) === undefined) throw error;
    }
    // What is written while it is cut off is lost.
    this.#before += this.#size();
    ftruncateSync(this.fd, 0);
  }

  /** Lets go of the file; who has inherited it goes on writing. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.fd);
  }

  #size(): number {
    return this.#open ? fstatSync(this.fd).size : 0;
  }

  /** Puts the newest bytes into the older part; behind what is there, if they are few. */
  #keep(): void {
    const size = this.#size();
    // Where a server has opened its output anew, and not to write at the end, a file that was cut off begins with a hole.
    const bytes = withoutZeros(this.#read(Math.max(0, size - keptBytes), size));
    const file = olderPart(this.#file);
    const all = bytes.length < keptBytes ? Buffer.concat([readIfThere(file), bytes]) : bytes;
    const fd = openPrivate(file, constants.O_RDWR);
    try {
      ftruncateSync(fd, 0);
      writeFileSync(fd, all.subarray(-keptBytes));
    } finally {
      closeSync(fd);
    }
  }

  #read(from: number, to: number): Buffer {
    const buffer = Buffer.alloc(Math.max(0, to - from));
    let length = 0;
    while (length < buffer.length) {
      const read = readSync(this.fd, buffer, length, buffer.length - length, from + length);
      if (read === 0) break;
      length += read;
    }
    return buffer.subarray(0, length);
  }
}

/** Looks after the size of a log that others write to, until it is told to stop. Keeps no process alive. */
export function watch(log: LogFile, clock: Clock, failed: (error: unknown) => void): () => void {
  let timer = clock.after(watchMs, look, true);
  function look(): void {
    try {
      log.limit();
    } catch (error) {
      // The next look may be luckier.
      failed(error);
    }
    timer = clock.after(watchMs, look, true);
  }
  return () => timer.cancel();
}

/** The file that keeps what was cut off a log. */
export function olderPart(file: string): string {
  return `${file}.1`;
}
