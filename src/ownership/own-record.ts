import { systemError } from '../errors/system.js';
import type { LockFile } from '../files/lock-file.js';
import type { RecordEntry } from '../files/record.js';
import type { Server } from '../serving/server.js';
import type { Sockets } from './sockets.js';

/** What the record of an owner is made of. */
export interface RecordOwner {
  readonly lock: LockFile;
  readonly sockets: Sockets;
  readonly server: Server;
  /** When it became owner. */
  readonly since: number;
  fault(error: unknown): void;
}

/** The record of an owner, as it has to read at any moment of its life. */
export class OwnRecord {
  readonly #owner: RecordOwner;
  #saidStopping = false;

  constructor(owner: RecordOwner) {
    this.#owner = owner;
  }

  /** What it has to say at this moment, behind its header. */
  entries(): RecordEntry[] {
    const { lock, sockets, server } = this.#owner;
    const entries: RecordEntry[] = [];
    for (const kind of ['control', 'data'] as const) {
      const file = sockets.file(kind);
      if (file) entries.push({ published: { name: lock.place.names[kind], file } });
    }
    return [...entries, ...sockets.remains.entries, ...server.recorded];
  }

  /** Cuts what does not count any more, if it has grown long. */
  shorten(): void {
    const { lock, since } = this.#owner;
    lock.shorten(since, this.entries());
  }

  /**
   * Says, once, that the owner is ending and that its end has to be waited for, if so. That is for those who look from outside:
   * without it they see less, and nothing else is amiss.
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
