import type { Place } from '../../files/place.js';

/** Something that is not as it should be in a directory of sockets. */
export interface Problem {
  /**
   * `unsafe-directory`: others could put files of theirs in the place of ours; `leftover`: files of a dead owner;
   * `orphan`: a private directory that no record names; `unresponsive`: an owner that lives but does not answer;
   * `not-listening`: a server that runs, and that nobody can connect to; `unreadable`: something about a socket that cannot be
   * looked at; `elsewhere`: a socket of the same name that is served in the default directory of another environment.
   */
  readonly kind:
    | 'unsafe-directory'
    | 'leftover'
    | 'orphan'
    | 'unresponsive'
    | 'not-listening'
    | 'unreadable'
    | 'elsewhere';
  /** What it is about. */
  readonly path: string;
  /** The process that is, or was, at fault. */
  readonly pid: number | undefined;
  /** What is wrong, and what to do. */
  readonly message: string;
  readonly cure: Cure;
}

/** What `--fix` can do. */
export type Cure =
  | { readonly kind: 'none' }
  | { readonly kind: 'close-directory' }
  /** Opened by the one who cures. */
  | { readonly kind: 'reclaim'; open(): Place };
