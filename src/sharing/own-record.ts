import type { LockFile } from '../files/lock-file.js';
import type { RecordEntry } from '../files/record.js';
import { systemError } from '../system-errors.js';
import type { Service } from './service.js';
import type { Sockets } from './sockets.js';

/** What the record of an owner is made of. */
export interface OwnRecordParts {
  readonly lock: LockFile;
  readonly sockets: Sockets;
  readonly service: Service;
  readonly since: number;
  readonly fault: (error: unknown) => void;
}

/** The record of an owner, as it has to read at any moment of its life. */
export class OwnRecord {
  readonly #parts: OwnRecordParts;

  constructor(parts: OwnRecordParts) {
    this.#parts = parts;
  }

  /** What it has to say at this moment, behind its header. */
  entries(): RecordEntry[] {
    const { lock, sockets, service } = this.#parts;
    const entries: RecordEntry[] = [];
    for (const kind of ['control', 'data'] as const) {
      const file = sockets.file(kind);
      if (file) entries.push({ published: { name: lock.place.names[kind], file } });
    }
    return [...entries, ...sockets.remains.entries, ...service.recorded];
  }

  /** Cuts what does not count any more, if it has grown long. */
  shorten(): void {
    this.#parts.lock.shorten(this.#parts.since, this.entries());
  }

  /** Adds what is said for those who look from outside: without it they see less, and nothing else is amiss. */
  say(entry: RecordEntry): void {
    const { lock, fault } = this.#parts;
    try {
      lock.append(entry);
    } catch (error) {
      const { path } = lock.place;
      fault(systemError(error, path, `write the record of ${path}`));
    }
  }
}
