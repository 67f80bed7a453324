import type { Clock } from '../clock.js';
import type { ServerState } from '../control/messages.js';
import type { SocketReferenceError } from '../errors/error.js';
import { systemError } from '../errors/system.js';
import type { OutputPlace } from '../files/file-end.js';
import type { Identity } from '../files/identity.js';
import type { Place } from '../files/place.js';
import type { RecordEntry } from '../files/record.js';
import { isWithoutDirectory } from '../ownership/reasons.js';
import type { ServerCommand } from '../serving/server-spec.js';
import { afterPoll } from './client-watch.js';
import { type CommandServerState, leave } from './command-server-state.js';
import { describeServer } from './describe-server.js';
import { type Exit, gaveUp } from './failures.js';
import type { Journal } from './journal.js';
import type { StartedServer } from './keeper-owner.js';
import type { ServerOutput } from './output.js';
import { Reachability } from './reachability.js';
import { untilSpawned } from './readiness.js';
import { Restarts } from './restarts.js';
import type { ServerHost } from './server-host.js';
import { ServerProcess } from './server-process.js';
import { ServerSocket } from './server-socket.js';

/** The parts of a command server. */
export interface CommandServerParts {
  readonly place: Place;
  readonly server: ServerCommand;
  readonly clock: Clock;
  readonly journal: Journal;
  /** Takes what the server writes. */
  readonly output: ServerOutput;
}

/**
 * Runs a command as the server of a socket, and restarts it when it ends unasked. It has one run at a time: the next
 * run begins when no process of the last one is left. None begins after {@link CommandServer.stop}.
 */
export class CommandServer implements StartedServer {
  readonly stats = { open: 0, accepted: 0, dropped: 0, failed: 0 };
  readonly busy = true;
  readonly #parts: CommandServerParts;
  readonly #restarts: Restarts;
  #host: ServerHost | undefined;
  #socket: ServerSocket | undefined;
  #state: CommandServerState = { kind: 'idle' };

  constructor(parts: CommandServerParts) {
    this.#parts = parts;
    this.#restarts = new Restarts(parts.server.restart);
  }

  get stopTimeoutMs(): number {
    return this.#parts.server.stopTimeoutMs;
  }

  /** Whether clients can connect. A held socket has a queue, in which clients wait for the next server. */
  get reachable(): boolean {
    return (this.#state.kind === 'running' && this.#problem === undefined) || this.#socket?.queues === true;
  }

  get recorded(): readonly RecordEntry[] {
    const run = 'run' in this.#state ? this.#state.run.recorded : undefined;
    return [...(this.#socket?.recorded ?? []), ...(run ? [{ server: run }] : [])];
  }

  get output(): OutputPlace | undefined {
    return this.#parts.output.place;
  }

  get description(): ServerState {
    const state = this.#state;
    const problem = this.#problem;
    const restarts = this.#restarts.total;
    return describeServer({
      command: this.#parts.server.command,
      output: this.#parts.output,
      pid: 'run' in state && state.kind !== 'clearing' ? state.run.pid : undefined,
      problem,
      waiting: state.kind === 'waiting',
      up: (state.kind === 'running' && problem === undefined) || state.kind === 'waiting',
      again: restarts > 0 || state.kind === 'clearing' || problem !== undefined,
      restarts,
    });
  }

  async start(host: ServerHost): Promise<void> {
    this.#host = host;
    const socket = new ServerSocket(this.#parts.place, host);
    this.#socket = socket;
    await this.#launch(host, socket, false);
  }

  /** The server's own name for its socket. It stays as long as the server lives, so that it can be linked again. */
  source(): string | undefined {
    const state = this.#state;
    const socket = this.#socket;
    const isReady = state.kind === 'running' || (state.kind === 'launching' && state.ready) || socket?.queues === true;
    // A server that is starting has not made its socket yet.
    if (!isReady || !socket) return undefined;
    if (socket.exists) {
      if (state.kind === 'running') state.reachability.hasName();
      return socket.name;
    }
    if (state.kind === 'waiting') {
      this.#pause(0, false);
      throw new Error('another program removed the socket of the server; the server is started with a new one');
    }
    if (state.kind !== 'running') throw new Error('the server made its socket, and the socket is missing again');
    if (!state.reachability.lacksName()) return undefined;
    const what = 'another program emptied the private directory of the server';
    this.#parts.journal.warn({ name: socket.name }, what);
    void this.#replace(state.run);
    throw new Error(`${what}; the server is restarted`);
  }

  readonly look = async (published: Identity | undefined): Promise<boolean> => {
    const state = this.#state;
    this.#socket?.keepPrivate();
    return state.kind === 'running' && (await state.reachability.look(published));
  };

  stop(): Promise<void> {
    if (this.#state.kind === 'stopped') return this.#state.done;
    const done = this.#stop(this.#state);
    this.#enter({ kind: 'stopped', done });
    return done;
  }

  detach(): void {
    this.stop().catch((error: unknown) => this.#parts.journal.error({ error }, 'the server could not be stopped'));
  }

  async #stop(state: CommandServerState): Promise<void> {
    if ('run' in state) await state.run.endCompletely();
    await this.#socket?.close();
  }

  /** Why clients cannot connect to the server although it runs. */
  get #problem(): string | undefined {
    return this.#state.kind === 'running' ? this.#state.reachability.problem : undefined;
  }

  #is(kind: CommandServerState['kind'], run: ServerProcess): boolean {
    return this.#state.kind === kind && 'run' in this.#state && this.#state.run === run;
  }

  /** Changes the state, and ends what belongs to the state before. Every change goes through it. */
  #enter(next: CommandServerState): void {
    const before = this.#state;
    this.#state = next;
    leave(before);
  }

  /**
   * Starts the server, and publishes its socket once it is ready. It publishes a held socket before the start, so that
   * clients can queue at it.
   *
   * @param called - whether a client waits for the server. Then no probe looks for readiness: a probe is a client, too,
   *   and could be the one that starts the server the next time
   */
  async #launch(host: ServerHost, socket: ServerSocket, called: boolean): Promise<void> {
    const { server, clock, journal } = this.#parts;
    const run: ServerProcess = new ServerProcess({
      ...this.#parts,
      host,
      privateName: () => socket.name,
      heldFd: () => socket.heldFd,
      untilReady: (signal) => (called ? untilSpawned(run, signal) : socket.untilReady(signal)),
    });
    this.#enter({ kind: 'launching', run, ready: false });
    host.shortenRecord();
    // No client can reach a held socket that has lost its name.
    if (socket.isHeld && !socket.exists) await socket.clear();
    if (!this.#is('launching', run)) return;
    socket.make();
    if (server.activate && !socket.isHeld) {
      await socket.listen();
      await host.publish();
      if (!this.#is('launching', run)) return;
    }
    await run.begin();
    if (!this.#is('launching', run)) return;
    this.#enter({ kind: 'launching', run, ready: true });
    if (!server.activate) await host.publish();
    if (!this.#is('launching', run)) return;
    const reachability = new Reachability({ ...this.#parts, host, socket, pid: run.pid });
    this.#enter({ kind: 'running', run, since: clock.now(), reachability });
    journal.info({ server: run.pid, restarts: this.#restarts.total }, 'the server is ready');
    void run.exited.then((exit) => this.#down(run, exit));
  }

  /** The server ended unasked. */
  async #down(run: ServerProcess, exit: Exit): Promise<void> {
    if (!this.#is('running', run) || this.#state.kind !== 'running') return;
    const { clock, journal } = this.#parts;
    const upMs = clock.now() - this.#state.since;
    this.#restarts.wasUp(upMs);
    journal.warn({ ...exit, upMs: Math.round(upMs) }, 'the server ended unasked');
    const failure = (): SocketReferenceError => gaveUp(run.failed(), exit, this.#restarts.inRow);
    if (exit.code === 0 && this.#socket?.queues) await this.#rest(run, failure);
    else await this.#again(run, failure);
  }

  /** Ends what is left of a run. Then starts another one after a pause, or gives up. */
  async #again(run: ServerProcess, failure: () => SocketReferenceError): Promise<void> {
    const error = this.#restarts.spent ? failure() : undefined;
    if (!(await this.#clearAfter(run))) return;
    if (error) this.#host?.failed(error);
    else this.#startAgain(false);
  }

  /**
   * Ends what is left of a run that ended because it had nothing to do. Starts another one when a client connects. A
   * client that waits already was left alone by the server: that counts as a failure.
   */
  async #rest(run: ServerProcess, failure: () => SocketReferenceError): Promise<void> {
    const error = this.#restarts.spent ? failure() : undefined;
    if (!(await this.#clearAfter(run))) return;
    const client = this.#socket?.untilClient();
    if (!client) return this.#startAgain(false);
    this.#enter({ kind: 'waiting' });
    const left = await Promise.race([client.then(() => true), afterPoll().then(() => false)]);
    if (!this.#waits) return;
    if (left) {
      if (error) this.#host?.failed(error);
      else this.#startAgain(true);
      return;
    }
    this.#restarts.wasStable();
    this.#parts.journal.info({}, 'the server is started by the next connection');
    await client;
    if (this.#waits) await this.#relaunch(true);
  }

  get #waits(): boolean {
    return this.#state.kind === 'waiting';
  }

  /** Ends what is left of a run. Returns false if the server was stopped meanwhile, or has failed. */
  async #clearAfter(run: ServerProcess): Promise<boolean> {
    this.#enter({ kind: 'clearing', run });
    try {
      await run.end();
      if (!this.#is('clearing', run)) return false;
      await this.#socket?.clear();
      return this.#is('clearing', run);
    } catch (error) {
      this.#host?.failed(systemError(error, this.#parts.place.path, 'clean up after the server'));
      return false;
    }
  }

  #startAgain(called: boolean): void {
    this.#pause(this.#restarts.next(), called);
  }

  #pause(ms: number, called: boolean): void {
    this.#socket?.stopWaiting();
    this.#enter({ kind: 'pausing', timer: this.#parts.clock.after(ms, () => void this.#relaunch(called)) });
  }

  async #relaunch(called: boolean): Promise<void> {
    const host = this.#host as ServerHost;
    try {
      await this.#launch(host, this.#socket as ServerSocket, called);
      if (this.#state.kind === 'running') host.ready();
    } catch (error) {
      const state = this.#state;
      if (state.kind !== 'launching') return;
      const reason = systemError(error, this.#parts.place.path, 'start the server again');
      this.#parts.journal.warn({ error: reason.message }, 'the server could not be started again');
      // Waiting does not bring the directory back, and a member with another directory can serve at once.
      if (isWithoutDirectory(reason)) this.#restarts.giveUp();
      await this.#again(state.run, () => reason);
    }
  }

  /** Ends a server to which no name leads any more. A restart follows, as after any end. */
  async #replace(run: ServerProcess): Promise<void> {
    try {
      await run.end();
    } catch (error) {
      this.#parts.journal.error({ error: String(error) }, 'the server could not be ended');
    }
  }
}
