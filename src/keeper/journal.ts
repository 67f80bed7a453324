import { isSocketReferenceError } from '../errors/error.js';
import { errnoOf } from '../errors/system.js';
import type { LogFile } from './log.js';

type Level = 'info' | 'warn' | 'error';

/**
 * The keeper's own log: a line of JSON for each event. It never decides: what cannot be written is dropped, since the keeper's
 * work matters more than its words.
 */
export class Journal {
  readonly #hide: (text: string) => string;
  #log: LogFile | undefined;
  #problem: string | undefined;

  /**
   * @param open - opens its file
   * @param hide - takes out of a text what no file is to keep, such as the passwords in a command
   */
  constructor(open: () => LogFile, hide: (text: string) => string) {
    this.#hide = hide;
    try {
      this.#log = open();
    } catch (error) {
      this.#problem = isSocketReferenceError(error) ? error.message : String(error);
    }
  }

  /** Why nothing is written, or not everything. */
  get problem(): string | undefined {
    return this.#problem;
  }

  info(fields: object, message: string): void {
    this.#write('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#write('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#write('error', fields, message);
  }

  /** Closes the file. What is said afterwards is dropped. Idempotent. */
  close(): void {
    this.#log?.close();
    this.#log = undefined;
  }

  /** At once, since the next moment may be the last of the process. */
  #write(level: Level, fields: object, msg: string): void {
    if (!this.#log) return;
    try {
      const event = { level, time: new Date().toISOString(), pid: process.pid, ...fields, msg };
      this.#log.write(`${JSON.stringify(event, (_, value) => this.#shown(value))}\n`);
    } catch (error) {
      this.#problem = `the keeper's log could not be written: ${errnoOf(error) ?? String(error)}`;
    }
  }

  #shown(value: unknown): unknown {
    if (typeof value === 'string') return this.#hide(value);
    // By its shape: it may come from another realm, or another copy of the package.
    const { name, message, stack } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Error>;
    return typeof message === 'string' && typeof stack === 'string' ? { type: name, message, stack } : value;
  }
}
