import type { Lease } from '../ownership/lease.js';
import type { KeepAlive, ReferenceState } from './reference-state.js';

/** Counts the references of one endpoint in this manager. Pure: no clock, no socket. */
export class ReferenceCounts {
  /** How many references keep the process alive, or not, because their user said so. */
  readonly #kept = { yes: 0, no: 0 };
  #references = 0;

  /** How many references there are. */
  get references(): number {
    return this.#references;
  }

  /** Counts one more. It keeps the process alive by its role, until its user says otherwise. */
  add(): void {
    this.#references++;
  }

  /** Counts one less. */
  remove(reference: ReferenceState): void {
    this.#references--;
    if (reference.keepAlive !== 'by-role') this.#kept[reference.keepAlive]--;
  }

  /** Changes whether one reference keeps the process alive. */
  keep(reference: ReferenceState, keep: KeepAlive): void {
    if (reference.keepAlive !== 'by-role') this.#kept[reference.keepAlive]--;
    if (keep !== 'by-role') this.#kept[keep]++;
    reference.keepAlive = keep;
  }

  /**
   * Whether the process stays alive for these references. An owner's listener keeps it alive, as with any server of
   * Node, unless every reference here was unreferenced; if there are only references elsewhere it stays for them. A
   * member stays only if a reference says so.
   */
  keepsAlive(role: Lease['role']): boolean {
    if (role === 'member') return this.#kept.yes > 0;
    return this.#references === 0 || this.#kept.no < this.#references;
  }
}
