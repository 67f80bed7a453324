import { systemError } from '../errors/system.js';
import type { LockFile } from '../files/lock-file.js';
import type { RecordEntry } from '../files/record.js';
import type { Server } from '../serving/server.js';
import type { Sockets } from './sockets.js';

/** What the record of an owner contains. */
export interface RecordOwner {
  readonly lock: LockFile;
  readonly sockets: Sockets;
  readonly server: Server;
  /** When it became the owner. */
  readonly since: number;
  fault(error: unknown): void;
}

/** The record of an owner, as it must read at each moment of its life. */
export class OwnRecord {
  readonly #owner: RecordOwner;
  #saidStopping = false;

  constructor(owner: RecordOwner) {
    this.#owner = owner;
  }

  /** What it must say at this moment, after its header. */
  entries(): RecordEntry[] {
    const { lock, sockets, server } = this.#owner;
    const entries: RecordEntry[] = [];
    for (const kind of ['control', 'data'] as const) {
      const file = sockets.file(kind);
      if (file) entries.push({ published: { name: lock.place.names[kind], file } });
    }
    return [...entries, ...sockets.remains.entries, ...server.recorded];
  }

  /** Removes what no longer counts, if the record has grown long. */
  shorten(): void {
    const { lock, since } = this.#owner;
    lock.shorten(since, this.entries());
  }

  /**
   * Writes the record again if another program has changed its length, and returns whether it did. Not while something is
   * being published: what the record says of that is known only then.
   */
  restore(): boolean {
    const { lock, since, sockets } = this.#owner;
    return sockets.settled() === undefined && lock.restoreRecord(since, () => this.entries());
  }

  /**
   * Records once that the owner is ending, if its end takes time. Only other processes that look at the file need this
   * line: if it cannot be written they see less, and nothing else goes wrong.
   */
  sayStopping(): void {
    const { lock, server } = this.#owner;
    if (this.#saidStopping || !server.busy) return;
    try {
      lock.append({ stopping: true });
      this.#saidStopping = true;
    } catch (error) {
      const { path } = lock.place;
      this.#owner.fault(systemError(error, path, `write the record of ${path}`));
    }
  }
}
