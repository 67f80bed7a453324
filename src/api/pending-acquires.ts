import { systemClock } from '../clock.js';
import type { EndpointHost } from '../endpoint/host.js';
import type { ReferenceState } from '../endpoint/reference-state.js';
import { abortError } from '../errors/error.js';
import { typedError } from '../errors/system.js';
import type { Endpoints } from './endpoints.js';
import { limitExceeded } from './limits.js';
import { removeNamelessLeftovers } from './nameless.js';
import type { ResolvedAcquireOptions } from './options.js';

/**
 * The acquires of one manager whose socket is not active yet. Their number is bounded (I7), and each ends in a reference
 * or in an error with a code.
 */
export class PendingAcquires {
  readonly #endpoints: Endpoints;
  readonly #host: EndpointHost;
  readonly #max: number;
  #count = 0;

  constructor(endpoints: Endpoints, host: EndpointHost, max: number) {
    this.#endpoints = endpoints;
    this.#host = host;
    this.#max = max;
  }

  get count(): number {
    return this.#count;
  }

  /** Waits for a reference, through several lives of the socket if necessary, until its time is over. */
  async acquire(
    path: string | undefined,
    options: ResolvedAcquireOptions,
    trace: string | undefined,
  ): Promise<ReferenceState> {
    if (this.#count >= this.#max) throw limitExceeded('maxPendingAcquires', this.#max, 'acquires wait', path);
    this.#count++;
    try {
      const { serverSpec, signal } = options;
      const location = this.#endpoints.locate(path, serverSpec !== undefined);
      if (path === undefined && serverSpec) removeNamelessLeftovers(location.directory, this.#host);
      const deadline = systemClock.now() + options.timeoutMs;
      for (;;) {
        this.#endpoints.assertOpen();
        if (signal?.aborted) throw abortError(signal);
        const endpoint = this.#endpoints.at(location, options);
        if (endpoint.state === 'active') {
          // The path was another spelling of a known one, which only the look at the disk has shown.
          endpoint.offer(serverSpec);
          return endpoint.share(trace);
        }
        // At least one tick, so that an acquire whose time is over gets the error that says what it waited for.
        const timeoutMs = Math.max(1, deadline - systemClock.now());
        const waiting = { timeoutMs, total: options.timeoutMs, signal, trace, canServe: serverSpec !== undefined };
        const outcome = await endpoint.wait(waiting, serverSpec);
        if (outcome !== 'start-over') return outcome;
      }
    } catch (error) {
      throw typedError(error, path, `acquire ${path ?? 'a new socket'}`);
    } finally {
      this.#count--;
    }
  }
}
