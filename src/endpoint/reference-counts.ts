import type { Lease } from '../ownership/lease.js';
import type { KeepAlive, ReferenceState } from './reference-state.js';

/** The references of one endpoint in this manager, in numbers. Pure: no clock, no socket. */
export class ReferenceCounts {
  /** Those whose user has said whether they keep the process alive. */
  readonly #kept = { yes: 0, no: 0 };
  #references = 0;

  /** How many there are. */
  get references(): number {
    return this.#references;
  }

  /** One more; as every reference it keeps the process alive by its role, until its user says otherwise. */
  add(): void {
    this.#references++;
  }

  /** One less. */
  remove(reference: ReferenceState): void {
    this.#references--;
    if (reference.keepAlive !== 'by-role') this.#kept[reference.keepAlive]--;
  }

  /** Changes whether one of them keeps the process alive. */
  keep(reference: ReferenceState, keep: KeepAlive): void {
    if (reference.keepAlive !== 'by-role') this.#kept[reference.keepAlive]--;
    if (keep !== 'by-role') this.#kept[keep]++;
    reference.keepAlive = keep;
  }

  /**
   * Whether the process is to stay for them. A listener keeps it, as any server of Node, unless all references were told not
   * to; without references of its own it stays for those elsewhere. A member stays only if it was told to.
   */
  keepsAlive(role: Lease['role']): boolean {
    if (role === 'member') return this.#kept.yes > 0;
    return this.#references === 0 || this.#kept.no < this.#references;
  }
}
