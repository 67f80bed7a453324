import type { SocketReferenceError } from '../errors/error.js';
import type { Lease } from '../ownership/lease.js';
import { closedByUser } from './reasons.js';
import { ReferenceCounts } from './reference-counts.js';
import type { KeepAlive, ReferenceState } from './reference-state.js';

/**
 * The references of one endpoint in this manager: their number, what the lease knows about them, and which must be told
 * of their end. Adding or removing one creates no object and no promise (I5).
 */
export class References {
  readonly #counts = new ReferenceCounts();
  /** The references whose signal is in use. */
  readonly #watched = new Set<ReferenceState>();
  /** Why they ended, if their users did not close them. */
  #reason: SocketReferenceError | undefined;
  #toldLease: Lease | undefined;
  #toldAlive = false;

  get count(): number {
    return this.#counts.references;
  }

  add(): void {
    this.#counts.add();
  }

  remove(reference: ReferenceState): void {
    // Most references are not watched: a look into the set would be the slowest part of their end.
    if (reference.watched) this.#watched.delete(reference);
    this.#counts.remove(reference);
  }

  /** Changes whether one of them keeps the process alive. */
  keep(reference: ReferenceState, keep: KeepAlive): void {
    this.#counts.keep(reference, keep);
  }

  /** Remembers to tell a reference when the references end. */
  watch(reference: ReferenceState): void {
    this.#watched.add(reference);
  }

  /** Tells the lease whether they keep the process alive, if that has changed. */
  tellKeepAlive(lease: Lease): void {
    const alive = this.#counts.keepsAlive(lease.role);
    if (alive === this.#toldAlive && lease === this.#toldLease) return;
    this.#toldLease = lease;
    this.#toldAlive = alive;
    lease.keepAlive(alive);
  }

  /** Ends all references. Their signals abort after the current tick. */
  end(reason: SocketReferenceError): void {
    this.#reason = reason;
    const watched = [...this.#watched];
    this.#watched.clear();
    // A listener may ask whether the reference is active, so the endpoint changes its state first.
    queueMicrotask(() => {
      for (const reference of watched) reference.abort(() => reason);
    });
  }

  /** The error for using an ended reference. */
  closedError(path: string, open: boolean): SocketReferenceError {
    return open && this.#reason ? this.#reason : closedByUser(path);
  }
}
