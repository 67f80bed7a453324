import type { Clock, Timer } from '../clock.js';
import type { Identity } from '../files/identity.js';
import type { Place } from '../files/place.js';
import { notListening } from '../ownership/reasons.js';
import type { Journal } from './journal.js';
import { lookAtOwnSocket } from './own-socket.js';
import type { ServerHost } from './server-host.js';
import type { ServerSocket } from './server-socket.js';

/** The pause between two looks for a server that clients cannot connect to, in milliseconds. */
const relookMs = 200;
/** How long a server may listen without a name, in milliseconds. A server that closes its socket needs less. */
const namelessMs = 1_000;

/** The parts of a {@link Reachability}. */
export interface ReachabilityParts {
  readonly place: Place;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly host: ServerHost;
  readonly socket: ServerSocket;
  readonly pid: number | undefined;
}

/**
 * Finds out whether clients can connect to a server that runs. A server may close its socket and listen at a new one,
 * as under a program that restarts it when a file changes. Then the new socket is published in place of the old one.
 * After {@link Reachability.end} it publishes and reports nothing.
 */
export class Reachability {
  readonly #parts: ReachabilityParts;
  /** Whether the kernel lists the server as listening at its private name. Then it also shows when that ends. */
  #listed: boolean;
  #problem: string | undefined;
  #relook: Timer | undefined;
  /** Since when the server has listened without a name. */
  #namelessSince: number | undefined;
  #over = false;

  /** A server that has just become ready counts as reachable. */
  constructor(parts: ReachabilityParts) {
    this.#parts = parts;
    const { socket } = parts;
    this.#listed = !socket.isHeld && socket.listed === true;
  }

  /** Why clients cannot connect. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Looks at the server's socket, and publishes a new one. Returns whether it published one. */
  async look(published: Identity | undefined): Promise<boolean> {
    const { place, socket } = this.#parts;
    // A held socket is ours. The server cannot replace it.
    if (socket.isHeld) return false;
    const found = await lookAtOwnSocket(place, socket.name, published, this.#listed);
    if (this.#over) return false;
    if (found.kind === 'none') {
      this.#isUnreachable(found.problem);
      return false;
    }
    const again = found.kind === 'another' && (await this.#publishAgain());
    // If it was removed meanwhile, the next look finds that.
    if (found.kind === 'same' || again) this.#isReachable();
    return again;
  }

  /** Called when the private name of the socket exists. */
  hasName(): void {
    this.#namelessSince = undefined;
  }

  /**
   * Called when the private name of the socket is missing. Returns true once the server has listened without it for so
   * long that another program must have removed it. Then no name can lead to this server again.
   */
  lacksName(): boolean {
    const { clock, host, socket } = this.#parts;
    // The server listens no more, and may be about to make another socket. The look finds out.
    if (this.#problem !== undefined || (this.#listed && socket.listed === false)) {
      this.#namelessSince = undefined;
      return false;
    }
    // A server that closes its socket removes the name a moment earlier.
    const now = clock.now();
    if (this.#namelessSince === undefined) {
      this.#namelessSince = now;
      clock.after(namelessMs, () => void host.repair(), true);
    }
    if (now - this.#namelessSince < namelessMs) return false;
    this.#namelessSince = undefined;
    return true;
  }

  /** Called when the server has ended or is being stopped. */
  end(): void {
    this.#over = true;
    this.#relook?.cancel();
  }

  /** A watcher may cause this a thousand times, and the record has a limit. */
  #publishAgain(): Promise<boolean> {
    const { host } = this.#parts;
    host.shortenRecord();
    return host.publish();
  }

  #isUnreachable(problem: string): void {
    const { place, clock, journal, host, pid } = this.#parts;
    const before = this.#problem;
    this.#problem = problem;
    if (before === undefined) {
      journal.warn({ server: pid, problem }, 'no client can connect to the server');
      host.fault(notListening(place.path, pid, problem));
    }
    // Clients are refused until a look finds the new socket, so look soon.
    this.#relook?.cancel();
    this.#relook = clock.after(relookMs, () => void host.repair(), true);
  }

  #isReachable(): void {
    if (this.#over) return;
    const { socket, journal, host, pid } = this.#parts;
    this.#relook?.cancel();
    this.#listed = socket.listed === true;
    if (this.#problem === undefined) return;
    this.#problem = undefined;
    journal.info({ server: pid }, 'the server accepts connections again');
    host.ready();
  }
}
