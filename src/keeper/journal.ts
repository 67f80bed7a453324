import { type KeeperLog, openKeeperLog } from './keeper-log.js';

type Level = 'info' | 'warn' | 'error';

/** The keeper's own log, to be written to at once: it takes a while to open, and the server must not wait for that. */
export class Journal {
  readonly #log: Promise<KeeperLog>;
  #written: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#log = openKeeperLog(file);
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

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    await this.#written;
    (await this.#log).close();
  }

  #write(level: Level, fields: object, message: string): void {
    // One that cannot be opened drops what it is told: a keeper must do its work without one, too.
    this.#written = this.#log.then((log) => log[level](fields, message));
  }
}
