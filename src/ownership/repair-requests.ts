import type { Context } from '../context.js';
import { ask } from '../control/inspect.js';
import type { ServerState } from '../control/messages.js';
import { systemError } from '../errors/system.js';
import type { Place } from '../files/place.js';
import { repairAnswerMs, repairRequestPauseMs } from '../protocol/constants.js';
import { notListening } from './reasons.js';

/**
 * Makes the owner of an endpoint check its files, by asking it for its holders. It is not awaited: the client tries
 * again in any case, and an owner may be slow to answer.
 */
export class RepairRequests {
  readonly #place: Place;
  readonly #context: Context;
  #againAt = Number.NEGATIVE_INFINITY;
  /** Why clients cannot connect to the server, by the owner's last answer. */
  #problem: string | undefined;

  constructor(place: Place, context: Context) {
    this.#place = place;
    this.#context = context;
  }

  /** Asks, unless it asked a moment ago. */
  send(): void {
    const { clock } = this.#context;
    if (clock.now() < this.#againAt) return;
    this.#againAt = clock.now() + repairRequestPauseMs;
    const asked = ask(this.#place, repairAnswerMs).then((asked) =>
      this.#serverIs(asked.kind === 'answered' ? asked.holders.server : undefined),
    );
    const { path } = this.#place;
    asked.catch((error: unknown) => this.#context.fault(path, systemError(error, path, `ask the owner of ${path}`)));
  }

  /** Reports a server that runs but cannot be reached, once. */
  #serverIs(server: ServerState | undefined): void {
    const problem = server?.problem;
    if (problem !== undefined && this.#problem === undefined) {
      const { path } = this.#place;
      this.#context.fault(path, notListening(path, server?.pid, problem));
    }
    this.#problem = problem;
  }
}
