import type { Place } from '../files/place.js';
import { repairAnswerMs, repairRequestPauseMs } from '../protocol/constants.js';
import { systemError } from '../system-errors.js';
import type { ServerState } from './messages.js';
import { ask } from './query.js';
import { notListening } from './reasons.js';
import type { Surroundings } from './settings.js';

/**
 * Has the owner of an endpoint look after its files, which it does when it is asked who holds the socket. Not awaited: a client
 * tries again all the same, and an owner may be slow to answer.
 */
export class RepairRequests {
  readonly #place: Place;
  readonly #surroundings: Surroundings;
  #againAt = Number.NEGATIVE_INFINITY;
  /** Why nobody can connect to the server, as the owner said last. */
  #problem: string | undefined;

  constructor(place: Place, surroundings: Surroundings) {
    this.#place = place;
    this.#surroundings = surroundings;
  }

  /** Asks, unless it was asked a moment ago. */
  send(): void {
    const { clock } = this.#surroundings;
    if (clock.now() < this.#againAt) return;
    this.#againAt = clock.now() + repairRequestPauseMs;
    const asked = ask(this.#place, repairAnswerMs).then((asked) =>
      this.#serverIs(asked.kind === 'answered' ? asked.holders.server : undefined),
    );
    const { path } = this.#place;
    asked.catch((error: unknown) =>
      this.#surroundings.fault(path, systemError(error, path, `ask the owner of ${path}`)),
    );
  }

  /** A server that runs in vain is told of, once. */
  #serverIs(server: ServerState | undefined): void {
    const problem = server?.problem;
    if (problem !== undefined && this.#problem === undefined) {
      const { path } = this.#place;
      this.#surroundings.fault(path, notListening(path, server?.pid, problem));
    }
    this.#problem = problem;
  }
}
