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

/** Files that are kept: for other versions of sockref and Node, which may take turns. */
const kept = 8;

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

  /** @param key - tells apart what V8 itself would not: the program, and the version of Node */
  constructor(directory: string, key: string) {
    this.#directory = directory;
    this.#file = join(directory, `${key}.code`);
  }

  /** What was kept, if anything. */
  read(): Buffer | undefined {
    if (!isOwn(this.#directory)) return undefined;
    try {
      return readFileSync(this.#file);
    } catch {
      // Not kept yet, or not to be read: then it is compiled.
      return undefined;
    }
  }

  /** Keeps it, whole or not at all: V8 would crash on a part. */
  write(code: Buffer): void {
    try {
      if (!isOwn(this.#directory)) mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      if (!isOwn(this.#directory)) return;
      replace(this.#file, code);
      this.#prune();
    } catch {
      // Read-only, full, or pruned by another just now: nobody misses it.
    }
  }

  /** Also finds what someone who was killed has not finished. */
  #prune(): void {
    const ours = readdirSync(this.#directory).filter((name) => ourNames.test(name));
    const files = ours.map((name) => join(this.#directory, name));
    const dated = files.map((file) => ({ file, at: statSync(file).mtimeMs })).sort((a, b) => b.at - a.at);
    for (const { file } of dated.slice(kept)) unlinkSync(file);
  }
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
