import type { Context } from '../context.js';
import { ask } from '../control/inspect.js';
import type { ServerState } from '../control/messages.js';
import { systemError } from '../errors/system.js';
import type { Place } from '../files/place.js';
import { repairAnswerMs, repairRequestPauseMs } from '../protocol/constants.js';
import { notListening } from './reasons.js';

/**
 * Has the owner of an endpoint look after its files, which it does when it is asked who holds the socket. Not awaited: a client
 * tries again all the same, and an owner may be slow to answer.
 */
export class RepairRequests {
  readonly #place: Place;
  readonly #context: Context;
  #againAt = Number.NEGATIVE_INFINITY;
  /** Why nobody can connect to the server, as the owner said last. */
  #problem: string | undefined;

  constructor(place: Place, context: Context) {
    this.#place = place;
    this.#context = context;
  }

  /** Asks, unless it was asked a moment ago. */
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

  /** A server that runs in vain is told of, once. */
  #serverIs(server: ServerState | undefined): void {
    const problem = server?.problem;
    if (problem !== undefined && this.#problem === undefined) {
      const { path } = this.#place;
      this.#context.fault(path, notListening(path, server?.pid, problem));
    }
    this.#problem = problem;
  }
}
