import { errnoOf } from '../errors/system.js';
import type { Directory } from './directory.js';
import { takeEach } from './each.js';
import type { Published, RecordEntry } from './record.js';
import { removePrivateDirectory, unlinkIfSame } from './remove.js';

/**
 * What an owner created and could not remove at once. Its record must name these until they are removed: the record
 * stays as long as any are left.
 */
export class Remains {
  readonly #published = new Set<Published>();
  readonly #temporaries = new Set<string>();
  readonly #tell: (error: unknown) => void;

  /** @param tell - told why something could not be removed */
  constructor(tell: (error: unknown) => void) {
    this.#tell = tell;
  }

  /** What the record must say about them. */
  get entries(): readonly RecordEntry[] {
    return [
      ...[...this.#temporaries].map((temporary) => ({ temporary })),
      ...[...this.#published].map((published) => ({ published })),
    ];
  }

  /** Unlinks a published name if it leads to this file. Remembers it if the system does not let us remove it now. */
  unlink(directory: Directory, published: Published): void {
    this.#published.add(published);
    tolerate(() => this.#unlink(directory, published), this.#tell);
  }

  /** Removes a private directory with its content. Remembers it if the system does not let us remove it now. */
  removeDirectory(directory: Directory, name: string): void {
    this.#temporaries.add(name);
    tolerate(() => this.#removeDirectory(directory, name), this.#tell);
  }

  /** Tries again to remove everything. Then throws the first error; what could not be removed stays. */
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

/**
 * Runs work that the system may refuse, and reports such a failure. Any other error is a mistake of ours and is thrown.
 */
export function tolerate(work: () => void, tell: (error: unknown) => void = () => {}): void {
  try {
    work();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    tell(error);
  }
}
