import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

/** How many files are kept: for other installations of sockref and versions of Node, which may take turns. */
const kept = 32;

/** Bytes of the checksum. It follows the code, where V8 does not read it and the code stays aligned. */
const sumBytes = 4;

/** Of the hash FNV-1a, over words of four bytes: multiplying by an odd number loses no bit. */
const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;

/** The names of its own files, finished or not. Other files in the directory belong to other programs. */
const ourNames = /\.code(\.\d+)?$/;

/**
 * The code that V8 compiled from a program, kept from one start to the next in `$XDG_CACHE_HOME/sockref`, else in
 * `~/.cache/sockref`: compiling takes a large part of the time that `sockref run` adds to a command. It is used only
 * where no other user could have put it. Without it a start is slower, and nothing else changes.
 */
export class CodeCache {
  readonly #directory: string;
  readonly #file: string;
  readonly #key: string;

  /**
   * @param name - of the program
   * @param key - distinguishes what V8 itself would not: the installation, whose files a stack trace names, and the
   * version of Node
   */
  constructor(directory: string, name: string, key: string) {
    this.#directory = directory;
    this.#key = key;
    const digits = checksum(Buffer.from(key), 0).toString(16).padStart(8, '0');
    this.#file = join(directory, `${name}-${digits}.code`);
  }

  /** The kept code, if there is any. A damaged file is removed: V8 checks little of it, and would crash. */
  read(): Buffer | undefined {
    if (!isOwn(this.#directory)) return undefined;
    try {
      const kept = readFileSync(this.#file);
      const length = kept.length - sumBytes;
      const code = kept.subarray(0, Math.max(0, length));
      if (length > 0 && kept.readUInt32LE(length) === this.#sum(code)) return code;
      unlinkSync(this.#file);
      return undefined;
    } catch {
      // Not kept yet, or not readable: then the program is compiled.
      return undefined;
    }
  }

  /** Keeps the code, completely or not at all. */
  write(code: Buffer): void {
    try {
      if (!isOwn(this.#directory)) mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      if (!isOwn(this.#directory)) return;
      const sum = Buffer.alloc(sumBytes);
      sum.writeUInt32LE(this.#sum(code));
      replace(this.#file, Buffer.concat([code, sum]));
      this.#prune();
    } catch {
      // Read-only, full, or removed by another process just now. The next start is only slower.
    }
  }

  #sum(code: Buffer): number {
    return checksum(code, checksum(Buffer.from(this.#key), code.length));
  }

  /** Also finds the unfinished file of a process that was killed. */
  #prune(): void {
    const ours = readdirSync(this.#directory).filter((name) => ourNames.test(name));
    const files = ours.map((name) => join(this.#directory, name));
    const dated = files.map((file) => ({ file, at: statSync(file).mtimeMs })).sort((a, b) => b.at - a.at);
    for (const { file } of dated.slice(kept)) unlinkSync(file);
  }
}

/**
 * Detects changed bytes: every change within four bytes in a row, and nearly every other change. It protects against
 * disks and crashes, not against attackers: no other user can write there. Loading Node's own digests would take longer
 * than this.
 */
function checksum(bytes: Buffer, seed: number): number {
  const whole = bytes.length >>> 2;
  // Words of four bytes must begin at an aligned address.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : Buffer.from(new Uint8Array(bytes).buffer);
  const words = new Int32Array(aligned.buffer, aligned.byteOffset, whole);
  let sum = seed ^ offsetBasis;
  for (let at = 0; at < whole; at++) sum = Math.imul(sum ^ (words[at] as number), prime);
  for (let at = whole * 4; at < bytes.length; at++) sum = Math.imul(sum ^ (bytes[at] as number), prime);
  return sum >>> 0;
}

function replace(file: string, content: Buffer): void {
  const unfinished = `${file}.${process.pid}`;
  const fd = openSync(unfinished, 'w', 0o600);
  try {
    try {
      writeFileSync(fd, content);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(unfinished, file);
  } catch (error) {
    unlinkSync(unfinished);
    throw error;
  }
}

/** Where to keep the code; undefined if this user has no such place. */
export function codeCacheDirectory(env: NodeJS.ProcessEnv): string | undefined {
  const { XDG_CACHE_HOME: cache = '', HOME: home = '', NODE_DISABLE_COMPILE_CACHE: disabled } = env;
  if (disabled) return undefined;
  // The XDG specification says that a relative value must be ignored.
  const [above, below] = isAbsolute(cache)
    ? [nearest(cache), join(cache, 'sockref')]
    : [home, join(home, '.cache/sockref')];
  // Under `sudo` both can belong to the calling user, who must not decide what root runs, not even by a swap after this
  // check.
  return isAbsolute(above) && isOwn(above) ? below : undefined;
}

/** The directory itself or the nearest one above it that exists: a cache is created if it is missing, by its convention. */
function nearest(directory: string): string {
  const above = dirname(directory);
  return existsSync(directory) || above === directory ? directory : nearest(above);
}

/** Whether it is a directory that only this user can write to. */
function isOwn(directory: string): boolean {
  try {
    const stats = statSync(directory);
    return stats.isDirectory() && stats.uid === process.geteuid?.() && (stats.mode & 0o022) === 0;
  } catch {
    // Missing, or not accessible.
    return false;
  }
}
