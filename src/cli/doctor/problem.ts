import type { Place } from '../../files/place.js';

/** A problem in a directory of sockets. */
export interface Problem {
  /**
   * `unsafe-directory`: other users could replace our files. `leftover`: files of a dead owner. `orphan`: a private
   * directory that no record names. `unresponsive`: an owner that lives but does not answer. `not-listening`: a server
   * that runs, but to which clients cannot connect. `unreadable`: a socket that cannot be examined. `elsewhere`: a
   * socket with the same name that is served in the default directory of another environment.
   */
  readonly kind:
    | 'unsafe-directory'
    | 'leftover'
    | 'orphan'
    | 'unresponsive'
    | 'not-listening'
    | 'unreadable'
    | 'elsewhere';
  /** The path with the problem. */
  readonly path: string;
  /** The process that has, or had, the problem. */
  readonly pid: number | undefined;
  /** What is wrong, and what to do. */
  readonly message: string;
  readonly cure: Cure;
}

/** What `--fix` can do. */
export type Cure =
  | { readonly kind: 'none' }
  | { readonly kind: 'close-directory' }
  /** `open` gives the place to fix. */
  | { readonly kind: 'reclaim'; open(): Place };
