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
/** How long a server may listen with no name that leads to it, in milliseconds: longer than to close its socket takes. */
const namelessMs = 1_000;

/** What the reachability of a server is found out with. */
export interface ReachabilityParts {
  readonly place: Place;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly host: ServerHost;
  readonly socket: ServerSocket;
  readonly pid: number | undefined;
}

/**
 * Whether clients can connect to a server that runs. A server may close its socket and listen at a new one, as under a
 * program that restarts it when a file changes: the new one is published in the place of the old one. After
 * {@link Reachability.end} nothing is published or told any more.
 */
export class Reachability {
  readonly #parts: ReachabilityParts;
  /** Whether the kernel lists the server as listening at its private name: then it tells when that ends. */
  #listed: boolean;
  #problem: string | undefined;
  #relook: Timer | undefined;
  /** Since when the server has listened with no name that leads to it. */
  #namelessSince: number | undefined;
  #over = false;

  /** Clients can connect at first. */
  constructor(parts: ReachabilityParts) {
    this.#parts = parts;
    const { socket } = parts;
    this.#listed = !socket.isHeld && socket.listed === true;
  }

  /** Why clients cannot connect. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Looks at the server's socket, and has a new one published. Returns whether one was. */
  async look(published: Identity | undefined): Promise<boolean> {
    const { place, socket } = this.#parts;
    // A held socket is ours, and no server can make it again.
    if (socket.isHeld) return false;
    const found = await lookAtOwnSocket(place, socket.name, published, this.#listed);
    if (this.#over) return false;
    if (found.kind === 'none') {
      this.#isUnreachable(found.problem);
      return false;
    }
    const again = found.kind === 'another' && (await this.#publishAgain());
    // If it has gone meanwhile, the next look tells.
    if (found.kind === 'same' || again) this.#isReachable();
    return again;
  }

  /** The private name of the socket is there. */
  hasName(): void {
    this.#namelessSince = undefined;
  }

  /**
   * The private name of the socket is gone. Returns whether the server has listened without it for so long that another
   * program removed it: then no name can lead to this server again.
   */
  lacksName(): boolean {
    const { clock, host, socket } = this.#parts;
    // It listens no more, and may be about to make another one: the look tells.
    if (this.#problem !== undefined || (this.#listed && socket.listed === false)) {
      this.#namelessSince = undefined;
      return false;
    }
    // A server that closes its socket removes the name a moment before.
    const now = clock.now();
    if (this.#namelessSince === undefined) {
      this.#namelessSince = now;
      clock.after(namelessMs, () => void host.repair(), true);
    }
    if (now - this.#namelessSince < namelessMs) return false;
    this.#namelessSince = undefined;
    return true;
  }

  /** The server runs no more, or is being stopped. */
  end(): void {
    this.#over = true;
    this.#relook?.cancel();
  }

  /** Under a watcher that may come a thousand times, and the record has its limit. */
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
      journal.warn({ server: pid, problem }, 'nobody can connect to the server');
      host.fault(notListening(place.path, pid, problem));
    }
    // Clients are refused until it is found again.
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
