import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import type { Clock } from '../clock.js';
import { quote } from '../errors/error.js';
import { errnoOf, systemError } from '../errors/system.js';
import { joinPath } from '../files/paths.js';
import { type LogDirectory, openPrivate } from './log-file.js';
import { isFull } from './log-room.js';
import { lastLines, withoutZeros } from './log-text.js';
import { OlderPart } from './older-part.js';

/** Bytes that a log may grow to; as much as anybody reads, on a disk that nobody watches. */
export const maxLogBytes = 1_048_576;
/** Bytes that output without a log may grow to: only its end is ever read. */
export const maxNamelessBytes = 131_072;
/** Bytes of a server's last words that an error carries: some forty lines. */
const tailBytes = 4_096;
/** Milliseconds between two looks at the size. A server that writes 100 MB a second fills 25 MB meanwhile. */
const watchMs = 250;
/** Makes a file without a name (`__O_TMPFILE` of Linux, which Node does not name); undefined where there is no such thing. */
const withoutName = process.platform === 'linux' ? 0o20000000 : undefined;

/**
 * A log, kept below a size. A server writes to it by itself, by an inherited descriptor: so it can be opened anew by its
 * name, as `/dev/stderr` say, no pipe can be full, and nothing is lost when the keeper dies.
 */
export class LogFile {
  /** For a server's stdout and stderr. Each write goes to the end, wherever that is by then. */
  readonly fd: number;
  readonly #older: OlderPart;
  readonly #maxBytes: number;
  /** By which the system tells about its file system. */
  readonly #at: string;
  /** How many bytes were written before those that the file begins with, as far as we cut them off. */
  #before = 0;
  /** As many bytes were written before the last start. */
  #mark = 0;
  #open = true;

  private constructor(fd: number, older: OlderPart, maxBytes: number, at: string) {
    this.fd = fd;
    this.#older = older;
    this.#maxBytes = maxBytes;
    this.#at = at;
    this.mark();
  }

  /**
   * Opens a log, and makes it if it is missing.
   *
   * @throws SocketReferenceError when it cannot be made, or when something else lies there
   */
  static open(directory: LogDirectory, name: string): LogFile {
    const path = joinPath(directory.path, name);
    try {
      const fd = openPrivate(directory.at(name), constants.O_RDWR | constants.O_APPEND, path);
      const older = new OlderPart(maxLogBytes / 2, directory, olderPart(name));
      return new LogFile(fd, older, maxLogBytes, directory.at('.'));
    } catch (error) {
      throw systemError(error, path, `open the log ${quote(path)}`);
    }
  }

  /**
   * The same for output of which only the end counts: a file that no name leads to, so that whatever happens nothing is left.
   *
   * @param directory - where it takes its room
   * @param name - a name there for a moment, where the file system knows no files without one; undefined to do without
   */
  static nameless(directory: string, name: string | undefined, flag = withoutName): LogFile {
    const fd = openNameless(directory, name, flag);
    return new LogFile(fd, new OlderPart(maxNamelessBytes / 2), maxNamelessBytes, directory);
  }

  /** Where in the file begins what was written since the mark. */
  get begin(): number {
    return Math.max(0, this.#mark - this.#before);
  }

  /** Whether its file system has no room left. */
  get full(): boolean {
    return this.#open && isFull(this.#at);
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
    if (older > 0) parts.unshift(this.#older.read().subarray(-older));
    const bytes = Buffer.concat(parts);
    return lastLines(bytes, from > mark && bytes.length === end - from);
  }

  /** Adds a text. */
  write(text: string): void {
    writeSync(this.fd, text);
    this.limit();
  }

  /**
   * Cuts the log off if it has grown too large, and keeps the newer half of it beside it. If the disk is full it is cut as
   * well, so that what is said last has room; what it held is kept in memory.
   */
  limit(): void {
    if (!this.#open) return;
    const size = this.#size();
    const full = this.full;
    if (!full) this.#older.settle();
    if (size <= this.#maxBytes && !(full && size > 0)) return;
    // Where a server has opened its output anew, and not to write at the end, a file that was cut off begins with a hole.
    this.#older.add(withoutZeros(this.#read(Math.max(0, size - this.#older.maxBytes), size)), full);
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

/** Looks after what others write to from time to time, until it is told to stop. Keeps no process alive. */
export function watch(look: () => void, clock: Clock, failed: (error: unknown) => void): () => void {
  let timer = clock.after(watchMs, tick, true);
  function tick(): void {
    try {
      look();
    } catch (error) {
      // The next look may be luckier.
      failed(error);
    }
    timer = clock.after(watchMs, tick, true);
  }
  return () => timer.cancel();
}

/** The file that keeps what was cut off a log. */
export function olderPart(file: string): string {
  return `${file}.1`;
}

function openNameless(directory: string, name: string | undefined, flag: number | undefined): number {
  const flags = constants.O_RDWR | constants.O_APPEND;
  try {
    if (flag !== undefined) return openSync(directory, flags | constants.O_DIRECTORY | flag, 0o600);
  } catch (error) {
    // Old file systems, and old kernels, know no such file.
    if (name === undefined || errnoOf(error) === undefined) throw error;
  }
  if (name === undefined) throw new Error('this system has no files without a name');
  const file = joinPath(directory, name);
  const fd = openSync(file, flags | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  unlinkSync(file);
  return fd;
}
