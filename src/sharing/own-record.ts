import type { EndpointLock } from '../files/lock.js';
import type { Place } from '../files/place.js';
import { appendRecord, type RecordEntry, shortenRecord } from '../files/record.js';
import { systemError } from '../system-errors.js';
import type { Service } from './service.js';
import type { Sockets } from './sockets.js';

/** What the record of an owner is made of. */
export interface OwnRecordParts {
  readonly place: Place;
  readonly sockets: Sockets;
  readonly service: Service;
  readonly since: number;
  readonly fault: (error: unknown) => void;
}

/** The record of an owner, as it has to read at any moment of its life. */
export class OwnRecord {
  readonly #parts: OwnRecordParts;
  readonly #lock: () => EndpointLock;

  /** @param lock - the lock that is held: another one after a repair */
  constructor(parts: OwnRecordParts, lock: () => EndpointLock) {
    this.#parts = parts;
    this.#lock = lock;
  }

  /** What it has to say at this moment, behind its header. */
  entries(): RecordEntry[] {
    const { place, sockets, service } = this.#parts;
    const entries: RecordEntry[] = [];
    for (const kind of ['control', 'data'] as const) {
      const file = sockets.file(kind);
      if (file) entries.push({ published: { name: place.names[kind], file } });
    }
    return [...entries, ...sockets.remains.entries, ...service.recorded];
  }

  /** Cuts what does not count any more, if it has grown long. */
  shorten(): void {
    shortenRecord(this.#lock().fd, this.#parts.since, this.entries());
  }

  /** Adds what is said for those who look from outside: without it they see less, and nothing else is amiss. */
  say(entry: RecordEntry): void {
    try {
      appendRecord(this.#lock().fd, entry);
    } catch (error) {
      const { path } = this.#parts.place;
      this.#parts.fault(systemError(error, path, `write the record of ${path}`));
    }
  }
}
