import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../clock.js';
import { quote } from '../errors.js';
import { systemError } from '../system-errors.js';

/** Bytes that a log may have; beyond that the newer half is kept in a second file, and it begins anew. */
const maxLogBytes = 1_048_576;

/** Bytes of a log that an error shows: some forty lines, well below what a control message takes. */
const tailBytes = 4_096;

/** How often the size of a log is looked at that others write to, in milliseconds. */
const watchMs = 250;

/**
 * A log, kept below a size. A server writes to it by itself, by an inherited descriptor: so it can be opened anew by its
 * name, as `/dev/stderr` say, and no pipe can be full.
 */
export class LogFile {
  readonly fd: number;
  readonly #file: string;
  #mark = 0;
  /** The end of what was moved to the second file since the mark. */
  #moved: Buffer = Buffer.alloc(0);

  private constructor(file: string, fd: number) {
    this.#file = file;
    this.fd = fd;
  }

  /**
   * Opens a log to append to it; makes it, and its directory, for this user alone.
   *
   * @throws SocketReferenceError why it cannot be kept
   */
  static open(file: string): LogFile {
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
      const fd = openSync(file, flags | constants.O_NONBLOCK | constants.O_NOCTTY, 0o600);
      try {
        if (!fstatSync(fd).isFile()) throw new Error(`${quote(file)} is not a regular file`);
        fchmodSync(fd, 0o600);
        return new LogFile(file, fd);
      } catch (error) {
        closeSync(fd);
        throw error;
      }
    } catch (error) {
      throw systemError(error, file, `open the log ${quote(file)}`);
    }
  }

  /** Adds a text. */
  write(text: string): void {
    writeSync(this.fd, text);
    this.limit();
  }

  /** What follows is of the next start. */
  mark(): void {
    this.#mark = fstatSync(this.fd).size;
    this.#moved = Buffer.alloc(0);
  }

  /** The end of what was written since the mark, in whole lines as far as there are any. */
  tail(maxBytes = tailBytes): string {
    const { size } = fstatSync(this.fd);
    const from = Math.max(Math.min(this.#mark, size), size - maxBytes);
    const bytes = Buffer.concat([this.#moved, this.#read(from, size)]);
    const cut = bytes.length > maxBytes || from > this.#mark;
    const text = bytes.subarray(-maxBytes).toString('utf8');
    // What begins in the middle of a line, or of a character, is left out.
    const line = cut ? text.indexOf('\n') + 1 : 0;
    return text.slice(line).trimEnd();
  }

  /** Moves the newer half to the second file, if it has grown too large. */
  limit(): void {
    const { size } = fstatSync(this.fd);
    if (size <= maxLogBytes) return;
    const newer = this.#read(Math.max(0, size - maxLogBytes / 2), size);
    writeFileSync(`${this.#file}.1`, newer, { mode: 0o600 });
    // What was written since the reading is lost: those who write append, and do not wait for us.
    ftruncateSync(this.fd, 0);
    this.#moved = newer.subarray(Math.max(0, newer.length - Math.min(tailBytes, Math.max(0, size - this.#mark))));
    this.#mark = 0;
  }

  close(): void {
    closeSync(this.fd);
  }

  #read(from: number, to: number): Buffer {
    const buffer = Buffer.alloc(Math.max(0, to - from));
    const length = readSync(this.fd, buffer, 0, buffer.length, from);
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
      // A full disk, say. The next look may be luckier.
      failed(error);
    }
    timer = clock.after(watchMs, look, true);
  }
  return () => timer.cancel();
}
