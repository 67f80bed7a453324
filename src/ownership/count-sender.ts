import type { Channel } from '../control/channel.js';
import type { ToMember, ToOwner } from '../control/messages.js';

/**
 * Tells the owner how many references a member has: the newest number, at most once a tick, and only after the owner
 * has read the one before (I7).
 */
export class CountSender {
  readonly #channel: Channel<ToMember>;
  #references: number;
  #told: number;
  #state: 'idle' | 'scheduled' | 'waiting' | 'stopped' = 'idle';

  /** @param told - the number in the hello */
  constructor(channel: Channel<ToMember>, told: number) {
    this.#channel = channel;
    this.#references = told;
    this.#told = told;
  }

  /** The number has changed. */
  update(references: number): void {
    this.#references = references;
    if (this.#state !== 'idle') return;
    this.#state = 'scheduled';
    setImmediate(() => this.#send());
  }

  /** Sends no number any more. */
  stop(): void {
    this.#state = 'stopped';
  }

  #send(): void {
    if (this.#state === 'stopped') return;
    this.#state = 'idle';
    if (this.#references === this.#told) return;
    if (this.#channel.backedUp) {
      this.#state = 'waiting';
      this.#channel.whenRead(() => this.#send());
      return;
    }
    this.#told = this.#references;
    this.#channel.send({ type: 'references', n: this.#references } satisfies ToOwner);
  }
}
