import type { LoggerOptions } from 'pino';
import { isSocketReferenceError } from '../errors.js';
import { errnoOf } from '../system-errors.js';
import { LogFile } from './log.js';

/** What a keeper says of itself, as lines of JSON. */
export interface KeeperLog {
  /** Why nothing is written, or not everything: the keeper has no other place to say it, but can tell its members. */
  readonly problem: string | undefined;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Closes the file. What is said afterwards is dropped. Idempotent. */
  close(): void;
}

/** Opens the log of a keeper. Never rejects for want of a file: the keeper's work matters more than its words. */
export async function openKeeperLog(file: string): Promise<KeeperLog> {
  // Not loaded by whoever only imports the package.
  const { pino } = await import('pino');
  const options: LoggerOptions = {
    base: { pid: process.pid },
    formatters: { level: (level) => ({ level }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  const sink = new Sink(file);
  const logger = pino(options, sink);
  return {
    get problem() {
      return sink.problem;
    },
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    close: () => sink.close(),
  };
}

/** Writes at once, since the next moment may be the last of the process, and into a file that does not grow for ever. */
class Sink {
  problem: string | undefined;
  #log: LogFile | undefined;

  constructor(file: string) {
    try {
      this.#log = LogFile.open(file);
    } catch (error) {
      if (!isSocketReferenceError(error)) throw error;
      this.problem = error.message;
    }
  }

  write(line: string): void {
    if (!this.#log) return;
    try {
      this.#log.write(line);
    } catch (error) {
      this.problem = `the keeper's log could not be written: ${errnoOf(error) ?? String(error)}`;
    }
  }

  close(): void {
    this.#log?.close();
    this.#log = undefined;
  }
}
