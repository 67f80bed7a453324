import { closeSync, constants, ftruncateSync, writeFileSync } from 'node:fs';
import { errnoOf } from '../errors/system.js';
import { type LogDirectory, openPrivate, readIfThere } from './log-file.js';

/**
 * What was removed from a log. It is in a file beside the log; memory keeps what the file could not take, or everything
 * if there is no file.
 */
export class OlderPart {
  readonly maxBytes: number;
  readonly #file: { readonly directory: LogDirectory; readonly name: string } | undefined;
  /** Newer than the content of the file. */
  #kept: Buffer = Buffer.alloc(0);

  constructor(maxBytes: number, directory?: LogDirectory, name?: string) {
    this.maxBytes = maxBytes;
    this.#file = directory && name !== undefined ? { directory, name } : undefined;
  }

  /**
   * Adds what was removed from the log; the oldest part goes when it is too much.
   *
   * @param full - whether the disk is full, so that the file is not tried
   */
  add(bytes: Buffer, full: boolean): void {
    this.#kept = this.#newest(this.#kept, bytes);
    if (!full) this.settle();
  }

  /** Moves what is kept in memory into the file, if there is one that takes it. */
  settle(): void {
    if (!this.#file || this.#kept.length === 0) return;
    const { directory, name } = this.#file;
    try {
      const fd = openPrivate(directory.at(name), constants.O_RDWR);
      try {
        const all = this.#newest(this.#kept.length < this.maxBytes ? readIfThere(directory.at(name)) : [], this.#kept);
        this.#kept = all;
        ftruncateSync(fd, 0);
        writeFileSync(fd, all);
      } catch (error) {
        // The part that was written would be in it twice.
        ftruncateSync(fd, 0);
        throw error;
      } finally {
        closeSync(fd);
      }
      this.#kept = Buffer.alloc(0);
    } catch (error) {
      // Probably no room. Limiting the log matters more than its content, which memory keeps.
      if (errnoOf(error) === undefined) throw error;
    }
  }

  read(): Buffer {
    const { directory, name } = this.#file ?? {};
    const before = directory && name !== undefined ? readIfThere(directory.at(name)) : Buffer.alloc(0);
    return this.#newest(before, this.#kept);
  }

  #newest(before: Uint8Array | readonly number[], bytes: Buffer): Buffer {
    return Buffer.concat([Buffer.from(before), bytes]).subarray(-this.maxBytes);
  }
}
