import {
  closeSync,
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
import { isAbsolute, join } from 'node:path';

/** Files that are kept: for other installations of sockref and versions of Node, which may take turns. */
const kept = 32;

/** Bytes of the checksum behind the code, where V8 does not see it, and the code stays aligned. */
const sumBytes = 4;

/** Of the hash FNV-1a, by words of four bytes: multiplying by an odd number loses no bit. */
const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;

/** What it writes, finished or not; whatever else lies in the directory is somebody else's. */
const ourNames = /\.code(\.\d+)?$/;

/**
 * What V8 made of a program, kept from one start to the next in `$XDG_CACHE_HOME/sockref`, else in `~/.cache/sockref`:
 * compiling is a good part of what `sockref run` adds to a command. It is used only where nobody else could have put it,
 * and to be without it costs nothing but time.
 */
export class CodeCache {
  readonly #directory: string;
  readonly #file: string;
  readonly #key: string;

  /**
   * @param name - of the program
   * @param key - tells apart what V8 itself would not: the installation, whose files a trace names, and the version of Node
   */
  constructor(directory: string, name: string, key: string) {
    this.#directory = directory;
    this.#key = key;
    const digits = checksum(Buffer.from(key), 0).toString(16).padStart(8, '0');
    this.#file = join(directory, `${name}-${digits}.code`);
  }

  /** What was kept, if anything. What is not as it was written is removed: V8 looks at little of it, and would crash. */
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
      // Not kept yet, or not to be read: then it is compiled.
      return undefined;
    }
  }

  /** Keeps it, whole or not at all. */
  write(code: Buffer): void {
    try {
      if (!isOwn(this.#directory)) mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      if (!isOwn(this.#directory)) return;
      const sum = Buffer.alloc(sumBytes);
      sum.writeUInt32LE(this.#sum(code));
      replace(this.#file, Buffer.concat([code, sum]));
      this.#prune();
    } catch {
      // Read-only, full, or pruned by another just now: nobody misses it.
    }
  }

  #sum(code: Buffer): number {
    return checksum(code, checksum(Buffer.from(this.#key), code.length));
  }

  /** Also finds what someone who was killed has not finished. */
  #prune(): void {
    const ours = readdirSync(this.#directory).filter((name) => ourNames.test(name));
    const files = ours.map((name) => join(this.#directory, name));
    const dated = files.map((file) => ({ file, at: statSync(file).mtimeMs })).sort((a, b) => b.at - a.at);
    for (const { file } of dated.slice(kept)) unlinkSync(file);
  }
}

/**
 * Tells whether bytes are as they were: every change within four bytes in a row, and nearly every other one. Against what
 * disks and crashes do, not against anybody: nobody else can write there. Node's own digests take longer to load than this takes.
 */
function checksum(bytes: Buffer, seed: number): number {
  const whole = bytes.length >>> 2;
  // Words of four bytes have to begin where such words begin.
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

/** Where to keep it, if this user has such a place. */
export function codeCacheDirectory(env: NodeJS.ProcessEnv): string | undefined {
  const { XDG_CACHE_HOME: cache = '', HOME: home = '', NODE_DISABLE_COMPILE_CACHE: disabled } = env;
  if (disabled) return undefined;
  // The XDG specification asks that a relative value be ignored.
  const [above, below] = isAbsolute(cache) ? [cache, 'sockref'] : [home, '.cache/sockref'];
  // Under `sudo` both can be the caller's, who is not to decide what root runs: not even by a swap after we have looked.
  return isAbsolute(above) && isOwn(above) ? join(above, below) : undefined;
}

/** Whether it is a directory that only we can write into. */
function isOwn(directory: string): boolean {
  try {
    const stats = statSync(directory);
    return stats.isDirectory() && stats.uid === process.geteuid?.() && (stats.mode & 0o022) === 0;
  } catch {
    // Missing, or out of reach.
    return false;
  }
}
