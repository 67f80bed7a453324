import { tmpdir } from 'node:os';
import type { Clock } from '../clock.js';
import { isSocketReferenceError, quote, type SocketReferenceError } from '../errors/error.js';
import type { OutputPlace } from '../files/file-end.js';
import { randomName } from '../files/random.js';
import type { Journal } from './journal.js';
import { LogFile, watch } from './log.js';

/** The file system in memory that Linux has for sharing between programs. */
const inMemory = '/dev/shm';

/** The log of a server with its path, or why there is none. */
export type OpenedLog = { readonly log: LogFile; readonly path: string } | SocketReferenceError;

/**
 * The output of a server. It goes to its log. If that cannot be written, it goes to a file without a name, whose end
 * the errors of the server carry.
 */
export class ServerOutput {
  readonly #opened: OpenedLog;
  readonly #journal: Journal;
  #current: LogFile | undefined;
  #spare: LogFile | undefined;
  /** Why the output goes to no log. */
  #noLog: string | undefined;

  constructor(opened: OpenedLog, journal: Journal) {
    this.#opened = opened;
    this.#journal = journal;
    if (isSocketReferenceError(opened)) this.#without(withAdvice(opened.message));
    else this.#current = opened.log;
  }

  /** Where all of the output is; undefined if it is in no log. */
  get path(): string | undefined {
    const opened = this.#opened;
    return 'log' in opened && this.#current === opened.log ? opened.path : undefined;
  }

  /** Where other processes can read the output of this start. */
  get place(): OutputPlace | undefined {
    return this.path === undefined || !this.#current ? undefined : { file: this.path, from: this.#current.begin };
  }

  /** Why the output is in no log, or only partly; undefined if it is in one. */
  get noLog(): string | undefined {
    return this.#noLog;
  }

  /** The descriptor that a server writes to. */
  get fd(): number | 'ignore' {
    return this.#current?.fd ?? 'ignore';
  }

  /**
   * Later output belongs to the next start.
   *
   * @param directory - a private directory, named in the record, in which a file without a name may take its space
   */
  begin(directory: string): void {
    if ('log' in this.#opened) {
      this.#opened.log.limit();
      const full = this.#opened.log.full;
      this.#current = full ? undefined : this.#opened.log;
      if (full) this.#without(`the disk of ${quote(this.#opened.path)} is full`);
      else this.#noLog = undefined;
    }
    this.#current ??= this.#openSpare(directory);
    this.#current?.mark();
  }

  /** The end of the server's output since its last start. */
  tail(): string {
    return this.#current?.tail() ?? '';
  }

  /** Limits its size regularly, until it is stopped. */
  watch(clock: Clock): () => void {
    return watch(
      () => this.#look(),
      clock,
      (error) => {
        this.#journal.warn({ error: String(error) }, 'the log could not be shortened');
      },
    );
  }

  #look(): void {
    this.#current?.limit();
    this.#spare?.limit();
    if (this.path !== undefined && this.#current?.full) this.#without(`the disk of ${quote(this.path)} is full`);
  }

  #without(why: string): void {
    if (this.#noLog !== undefined) return;
    this.#noLog = why;
    this.#journal.warn({ error: why }, 'the output of the server is not kept in a log');
  }

  /** Opens a file in the first place that has room. Without one the output is lost, and the server still runs. */
  #openSpare(directory: string): LogFile | undefined {
    if (this.#spare) return this.#spare;
    const places: [string, string | undefined][] = [
      [directory, randomName()],
      [inMemory, undefined],
      [tmpdir(), undefined],
    ];
    for (const [place, name] of places) {
      try {
        const spare = LogFile.nameless(place, name);
        if (!spare.full) {
          this.#spare = spare;
          return spare;
        }
        spare.close();
      } catch (error) {
        this.#journal.warn({ place, error: String(error) }, 'the output of the server cannot be kept here');
      }
    }
    return undefined;
  }
}

function withAdvice(why: string): string {
  return why.includes('XDG_STATE_HOME') ? why : `${why}; set XDG_STATE_HOME to a directory of yours`;
}
