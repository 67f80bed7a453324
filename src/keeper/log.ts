import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import type { Clock } from '../clock.js';
import { quote } from '../errors/error.js';
import { errnoOf, systemError } from '../errors/system.js';
import { joinPath } from '../files/paths.js';
import { maxOutputBytes } from '../protocol/constants.js';
import { type LogDirectory, openPrivate } from './log-file.js';
import { isFull } from './log-room.js';
import { lastLines, withoutZeros } from './log-text.js';
import { OlderPart } from './older-part.js';

/**
 * How many bytes a log may grow to: as much as a person would read, and little enough for a disk that is not watched.
 */
export const maxLogBytes = 1_048_576;
/** How many bytes output without a log may grow to: only its end is ever read. */
export const maxNamelessBytes = 131_072;
/** Milliseconds between two checks of the size. A server that writes 100 MB a second fills 25 MB meanwhile. */
const watchMs = 250;
/**
 * Creates a file without a name (`__O_TMPFILE` of Linux, for which Node has no constant); undefined on other systems.
 */
const withoutName = process.platform === 'linux' ? 0o20000000 : undefined;

/**
 * A log whose size is limited. A server writes to it directly, through an inherited descriptor. So the server can open
 * it again by name, for example as `/dev/stderr`; there is no pipe that could be full; and nothing is lost when the
 * keeper dies.
 */
export class LogFile {
  /** For a server's stdout and stderr. Each write goes to the current end of the file. */
  readonly fd: number;
  readonly #older: OlderPart;
  readonly #maxBytes: number;
  /** A path by which the system tells about its file system. */
  readonly #at: string;
  /** How many bytes were written before the first byte of the file, as far as we removed them. */
  #before = 0;
  /** The position, in all bytes ever written, where the last start began. */
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
   * Opens a log, and creates it if it is missing.
   *
   * @throws SocketReferenceError if it cannot be created, or if something else is at its path
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
   * A log for output of which only the end counts: a file without a name, so that no file is left, even after a crash.
   *
   * @param directory - where the file takes its space
   * @param name - a name for a moment, where the file system has no files without a name; undefined for none
   */
  static nameless(directory: string, name: string | undefined, flag = withoutName): LogFile {
    const fd = openNameless(directory, name, flag);
    return new LogFile(fd, new OlderPart(maxNamelessBytes / 2), maxNamelessBytes, directory);
  }

  /** The position in the file where the output since the mark begins. */
  get begin(): number {
    return Math.max(0, this.#mark - this.#before);
  }

  /** Whether its file system has no room left. */
  get full(): boolean {
    return this.#open && isFull(this.#at);
  }

  /** Sets the mark: later output belongs to the next start. */
  mark(): void {
    this.#mark = this.#before + this.#size();
  }

  /** The end of the output since the mark: whole lines, at most `maxBytes` bytes. */
  tail(maxBytes = maxOutputBytes): string {
    const size = this.#size();
    const end = this.#before + size;
    // The file is shorter than at the mark: another program has emptied it.
    const mark = this.#mark > end ? this.#before : this.#mark;
    // One byte more, which tells whether a line begins after it.
    const from = Math.max(mark, end - maxBytes - 1);
    const older = this.#before - from;
    const parts = [this.#read(Math.max(0, -older), size)];
    if (older > 0) parts.unshift(this.#older.read().subarray(-older));
    const bytes = Buffer.concat(parts);
    return lastLines(bytes, from > mark && bytes.length === end - from);
  }

  /** Appends a text. */
  write(text: string): void {
    writeSync(this.fd, text);
    this.limit();
  }

  /**
   * Shortens the log if it has grown too large, and keeps its newer half in the older part. On a full disk it is
   * shortened as well, to make room for the last output; what it contained is then kept in memory.
   */
  limit(): void {
    if (!this.#open) return;
    const size = this.#size();
    const full = this.full;
    if (!full) this.#older.settle();
    if (size <= this.#maxBytes && !(full && size > 0)) return;
    // If the server opened its output again without O_APPEND, a shortened file begins with a hole.
    this.#older.add(withoutZeros(this.#read(Math.max(0, size - this.#older.maxBytes), size)), full);
    // Output during the truncation is lost.
    this.#before += this.#size();
    ftruncateSync(this.fd, 0);
  }

  /** Closes the file. Processes that inherited the descriptor still write to it. Idempotent. */
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

/** Calls `look` regularly, until it is stopped. Does not keep the process alive. */
export function watch(look: () => void, clock: Clock, failed: (error: unknown) => void): () => void {
  let timer = clock.after(watchMs, tick, true);
  function tick(): void {
    try {
      look();
    } catch (error) {
      // The next check may succeed.
      failed(error);
    }
    timer = clock.after(watchMs, tick, true);
  }
  return () => timer.cancel();
}

/** The file that keeps what was removed from a log. */
export function olderPart(file: string): string {
  return `${file}.1`;
}

function openNameless(directory: string, name: string | undefined, flag: number | undefined): number {
  const flags = constants.O_RDWR | constants.O_APPEND;
  try {
    if (flag !== undefined) return openSync(directory, flags | constants.O_DIRECTORY | flag, 0o600);
  } catch (error) {
    // Old file systems and old kernels do not support such files.
    if (name === undefined || errnoOf(error) === undefined) throw error;
  }
  if (name === undefined) throw new Error('this system has no files without a name');
  const file = joinPath(directory, name);
  const fd = openSync(file, flags | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  unlinkSync(file);
  return fd;
}
