import { errnoOf } from '../errors/system.js';
import type { Directory } from './directory.js';
import { takeEach } from './each.js';
import type { Published, RecordEntry } from './record.js';
import { removePrivateDirectory, unlinkIfSame } from './remove.js';

/**
 * What an owner has made and could not remove at once. Its record has to name it until it is gone: the record stays as long
 * as anything is left here.
 */
export class Remains {
  readonly #published = new Set<Published>();
  readonly #temporaries = new Set<string>();
  readonly #tell: (error: unknown) => void;

  /** @param tell - told why something could not be removed, when it is left */
  constructor(tell: (error: unknown) => void) {
    this.#tell = tell;
  }

  /** What the record has to say of it. */
  get entries(): readonly RecordEntry[] {
    return [
      ...[...this.#temporaries].map((temporary) => ({ temporary })),
      ...[...this.#published].map((published) => ({ published })),
    ];
  }

  /** Unlinks a published name if it leads to this very file; remembers what the system does not let go of now. */
  unlink(directory: Directory, published: Published): void {
    this.#published.add(published);
    tolerate(() => this.#unlink(directory, published), this.#tell);
  }

  /** Removes a private directory with all that is in it; remembers what the system does not let go of now. */
  removeDirectory(directory: Directory, name: string): void {
    this.#temporaries.add(name);
    tolerate(() => this.#removeDirectory(directory, name), this.#tell);
  }

  /** Tries again to remove all of it. Everything is tried; the first error is thrown then, and what it is about stays. */
  remove(directory: Directory): void {
    const errors = takeEach([
      ...[...this.#published].map((published) => () => this.#unlink(directory, published)),
      ...[...this.#temporaries].map((name) => () => this.#removeDirectory(directory, name)),
    ]);
    if (errors.length > 0) throw errors[0];
  }

  #unlink(directory: Directory, published: Published): void {
    unlinkIfSame(directory, published.name, published.file);
    this.#published.delete(published);
  }

  #removeDirectory(directory: Directory, name: string): void {
    removePrivateDirectory(directory, name);
    this.#temporaries.delete(name);
  }
}

/** Does what may fail by the system's will, and tells if it did; anything else is a mistake of ours. */
export function tolerate(work: () => void, tell: (error: unknown) => void = () => {}): void {
  try {
    work();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    tell(error);
  }
}
