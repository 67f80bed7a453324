import type { SocketReferenceError } from '../errors/error.js';
import { systemError } from '../errors/system.js';
import type { Remains } from '../files/remains.js';
import { Owner } from '../ownership/owner.js';
import type { OwnerStart } from '../ownership/owner-start.js';
import type { SocketKind } from '../ownership/sockets.js';
import type { Server } from '../serving/server.js';
import { FirstMember } from './first-member.js';
import type { ServerHost } from './server-host.js';

/** A server that must be started. Its members attach before, and wait. */
export interface StartedServer extends Server {
  start(host: ServerHost): Promise<void>;
}

/** What the owner of such a server needs to start. */
export interface KeeperStart extends Omit<OwnerStart, 'references'> {
  readonly server: StartedServer;
}

/**
 * The owner inside a keeper. It holds no reference itself, its members attach before the server is up, and the server
 * can fail for good. It starts the server for the first member, and ends when no member waits any more.
 */
export class KeeperOwner extends Owner implements ServerHost {
  protected override readonly first: readonly SocketKind[] = ['control'];
  protected override readonly endsWhileStarting = true;
  readonly #starting: StartedServer;
  readonly #opened: (owner: KeeperOwner) => void;
  readonly #firstMember = new FirstMember();
  /** Why the server has failed for good. */
  #failure: SocketReferenceError | undefined;

  private constructor(start: KeeperStart, opened: (owner: KeeperOwner) => void) {
    super({ ...start, references: 0 });
    this.#starting = start.server;
    this.#opened = opened;
  }

  /**
   * Publishes the control socket, and starts the server for the first member. After a failure only the lock remains,
   * which stays the caller's. If members had attached by then, they were told of the failure and the lock is gone, too.
   *
   * @param opened - called when members can attach
   * @param accept - called in the tick in which the server is up; never, if the owner ended before
   */
  static keep(
    start: KeeperStart,
    opened: (owner: KeeperOwner) => void,
    accept: (owner: Owner) => void = () => {},
  ): Promise<void> {
    return new KeeperOwner(start, opened).run(accept);
  }

  get remains(): Remains {
    return this.sockets.remains;
  }

  shortenRecord(): void {
    this.record.shorten();
  }

  /** Not during a repair: both would publish. */
  async publish(): Promise<boolean> {
    // Check again: a repair may begin at the moment in which the wait ends.
    for (let under = this.sockets.settled(); under !== undefined; under = this.sockets.settled()) await under;
    if (this.over) return false;
    this.sockets.unlink(['data']);
    return (await this.sockets.publish(['data'])).length > 0;
  }

  ready(): void {
    this.members.ready();
  }

  failed(error: SocketReferenceError): void {
    if (this.over) return;
    this.#failure = error;
    this.events.ended(error);
    // Reported once the end is over, as for any end.
    this.stop().catch(() => {});
  }

  override lastWords(failure: SocketReferenceError | undefined): (() => unknown)[] {
    return [...super.lastWords(failure), () => this.#failure && this.members.fail(this.#failure)];
  }

  /** A server that was not started needs no stop. */
  protected override unpublished(): void {}

  protected override leftStarting(): void {
    this.#firstMember.arrived();
  }

  protected override recount(): void {
    if (this.members.total > 0) this.#firstMember.arrived();
    else if (this.isStarting && this.members.seen > 0) {
      // No member waits for the server any more.
      void this.stop();
      return;
    }
    super.recount();
  }

  protected override async bringUp(): Promise<boolean> {
    try {
      this.#opened(this);
      // Wait for the process that started us to attach: only a member can learn of a failure.
      const came = await this.#firstMember.wait(this.context.clock);
      if (this.isStarting) {
        if (came) await this.#starting.start(this);
        else void this.stop();
      }
    } catch (error) {
      if (!this.isStarting) return this.#ended();
      this.failed(systemError(error, this.place.path, `start the server of ${this.place.path}`));
      await this.#ended();
      throw error;
    }
    return this.isStarting || this.#ended();
  }

  async #ended(): Promise<false> {
    await this.ending;
    return false;
  }
}
