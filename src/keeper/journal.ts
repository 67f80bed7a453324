import { isSocketReferenceError } from '../errors/error.js';
import { errnoOf } from '../errors/system.js';
import type { LogFile } from './log.js';

type Level = 'info' | 'warn' | 'error';

/**
 * The keeper's own log: one line of JSON for each event. What cannot be written is dropped, because the keeper's work
 * matters more than its log.
 */
export class Journal {
  readonly #hide: (text: string) => string;
  #log: LogFile | undefined;
  #problem: string | undefined;

  /**
   * @param open - opens its file
   * @param hide - removes from a text what must not be kept in a file, such as passwords in a command
   */
  constructor(open: () => LogFile, hide: (text: string) => string) {
    this.#hide = hide;
    try {
      this.#log = open();
    } catch (error) {
      this.#problem = isSocketReferenceError(error) ? error.message : String(error);
    }
  }

  /** Why nothing is written, or only a part. */
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

  /** Closes the file. Later lines are dropped. Idempotent. */
  close(): void {
    this.#log?.close();
    this.#log = undefined;
  }

  /** At once: the process may end at the next moment. */
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
    // Read by its shape: the value may come from another realm, or another copy of the package.
    const { name, message, stack } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Error>;
    return typeof message === 'string' && typeof stack === 'string' ? { type: name, message, stack } : value;
  }
}
