import type { Clock, Timer } from '../clock.js';
import type { SocketReferenceError } from '../errors.js';
import type { OutputPlace } from '../files/file-end.js';
import { lstatIfThere } from '../files/identity.js';
import { makeTemporary } from '../files/publish.js';
import { removePrivateDirectory } from '../files/reclaim.js';
import type { RecordEntry } from '../files/record.js';
import type { ServerState } from '../sharing/messages.js';
import type { ServerCommand } from '../sharing/provider.js';
import { isWithoutDirectory } from '../sharing/reasons.js';
import type { Service, ServiceHost } from '../sharing/service.js';
import type { Place } from '../sharing/settings.js';
import { shellCommand } from '../shell-words.js';
import { systemError } from '../system-errors.js';
import { HeldSocket } from './activation.js';
import { type Exit, gaveUp, notEnded } from './failures.js';
import type { Journal } from './journal.js';
import type { ServerOutput } from './output.js';
import { untilAccepted, untilConnectable } from './readiness.js';
import { Run } from './run.js';

/** The pause before the first restart, in milliseconds; each further one in a row is twice as long. */
const firstPauseMs = 100;
/** The longest. */
const longestPauseMs = 5_000;
/** What has been up for so many milliseconds was well: the restarts begin to count anew. */
const wellAfterMs = 10_000;
/** Characters of a command that listings show. */
const maxShown = 1_000;
/** Characters of the reason why there is no log: a path and some words. */
const maxShownReason = 400;
/** Bytes that the words of a command may have in a listing: room for them was set aside there. */
const maxWordsBytes = 3_000;

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'launching'; readonly run: Run }
  | { readonly kind: 'running'; readonly run: Run; readonly since: number }
  /** It ended by itself; what is left of it is being ended too. */
  | { readonly kind: 'clearing'; readonly run: Run }
  | { readonly kind: 'pausing'; readonly timer: Timer }
  /** It ended because it had nothing to do; the next client at the held socket has it started. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'stopped'; readonly done: Promise<void> };

/** What a service of a command is made of. */
export interface CommandServiceParts {
  readonly place: Place;
  readonly server: ServerCommand;
  readonly clock: Clock;
  readonly journal: Journal;
  /** Takes what the server writes. */
  readonly output: ServerOutput;
}

/** A command that is run as the server behind a socket, and run again when it ends by itself. */
export class CommandService implements Service {
  readonly stats = { open: 0, accepted: 0, dropped: 0, failed: 0 };
  readonly busy = true;
  readonly #parts: CommandServiceParts;
  #host: ServiceHost | undefined;
  #state: State = { kind: 'idle' };
  /** The private directory of what listens now. */
  #temporary: string | undefined;
  #held: HeldSocket | undefined;
  #restarts = 0;
  #inRow = 0;

  constructor(parts: CommandServiceParts) {
    this.#parts = parts;
  }

  get stopTimeoutMs(): number {
    return this.#parts.server.stopTimeoutMs;
  }

  /** A held socket has a queue, in which clients wait for the next server. */
  get reachable(): boolean {
    return this.#state.kind === 'running' || this.#held?.bound === true;
  }

  get recorded(): readonly RecordEntry[] {
    const run = 'run' in this.#state ? this.#state.run.recorded : undefined;
    return [...(this.#temporary ? [{ temporary: this.#temporary }] : []), ...(run ? [{ server: run }] : [])];
  }

  get output(): OutputPlace | undefined {
    return this.#parts.output.place;
  }

  get description(): ServerState {
    const state = this.#state;
    const pid = 'run' in state && state.kind !== 'clearing' ? state.run.pid : undefined;
    const up = state.kind === 'running' || state.kind === 'waiting';
    const { noLog } = this.#parts.output;
    const { command } = this.#parts.server;
    const whole = Buffer.byteLength(JSON.stringify(command)) <= maxWordsBytes;
    return {
      ...(pid !== undefined && { pid }),
      command: shellCommand(command).slice(0, maxShown),
      ...(whole && { argv: [...command] }),
      state: up ? 'running' : this.#restarts > 0 || state.kind === 'clearing' ? 'restarting' : 'starting',
      restarts: this.#restarts,
      ...(state.kind === 'waiting' && { waiting: true }),
      ...(noLog !== undefined && { noLog: noLog.slice(0, maxShownReason) }),
    };
  }

  async start(host: ServiceHost): Promise<void> {
    this.#host = host;
    await this.#launch();
  }

  /** The server's own name for its socket. It stays as long as the server lives, to be linked again. */
  source(): string {
    const { place, journal } = this.#parts;
    const name = this.#privateName;
    if (lstatIfThere(place.directory.at(name))) return name;
    if (this.#state.kind === 'waiting') {
      this.#pause(0);
      throw new Error('the socket of the server was removed by another program; the server is started, with a new one');
    }
    if (this.#state.kind !== 'running') throw new Error('the server is being started, and its socket comes with it');
    // By no name can anybody reach it: another one has to take its place.
    journal.warn({ name }, 'the private directory of the server was emptied by another program');
    void this.#replace(this.#state.run);
    throw new Error('the private directory of the server was emptied by another program; the server is started anew');
  }

  stop(): Promise<void> {
    if (this.#state.kind === 'stopped') return this.#state.done;
    const state = this.#state;
    const done = this.#stop(state);
    this.#state = { kind: 'stopped', done };
    return done;
  }

  letGo(): void {
    this.stop().catch((error: unknown) => this.#parts.journal.error({ error }, 'the server could not be stopped'));
  }

  async #stop(state: State): Promise<void> {
    if (state.kind === 'pausing') state.timer.cancel();
    if ('run' in state) await this.#end(state.run);
    await this.#held?.close();
    this.#removeTemporary();
  }

  /** A server that could not be ended lives on, and no one will end it who is not told of it. */
  async #end(run: Run): Promise<void> {
    const { path } = this.#parts.place;
    try {
      await run.end();
    } catch (error) {
      throw notEnded(path, run.left, error);
    }
    if (run.left.length > 0) throw notEnded(path, run.left, undefined);
  }

  /**
   * Starts the server, and publishes its socket once it is ready; a held socket before, for clients to queue at.
   *
   * @param called - by a client that waits for it: it is not looked at whether it is ready, since that takes a client too,
   *   and could be what starts the server the next time
   */
  async #launch(called = false): Promise<void> {
    const { place, server } = this.#parts;
    const host = this.#host as ServiceHost;
    const run = new Run({
      ...this.#parts,
      host,
      privateName: () => this.#privateName,
      heldFd: () => this.#held?.fd,
      untilReady: (signal) => (called ? spawned(run, signal) : this.#untilReady(signal)),
    });
    this.#state = { kind: 'launching', run };
    host.shortenRecord();
    // One to which no name leads any more is of no use.
    if (this.#held && !lstatIfThere(place.directory.at(this.#privateName))) await this.#clear();
    if (!this.#is('launching', run)) return;
    this.#temporary ??= makeTemporary(host.lock());
    if (server.activate && !this.#held) {
      await this.#hold(place.directory.at(this.#privateName));
      if (!this.#is('launching', run)) return;
    }
    await run.begin();
    if (!this.#is('launching', run)) return;
    if (!server.activate) await host.publish();
    if (!this.#is('launching', run)) return;
    this.#state = { kind: 'running', run, since: this.#parts.clock.now() };
    this.#parts.journal.info({ server: run.pid, restarts: this.#restarts }, 'the server is ready');
    void run.exited.then((exit) => this.#down(run, exit));
  }

  /** Has a socket listening that is handed to one server after the other. */
  async #hold(at: string): Promise<void> {
    const held = new HeldSocket();
    this.#held = held;
    await held.bind(at);
    await (this.#host as ServiceHost).publish();
  }

  #untilReady(signal: AbortSignal): Promise<void> {
    const at = this.#parts.place.directory.at(this.#privateName);
    return this.#held ? untilAccepted(at, at, signal) : untilConnectable(at, signal);
  }

  /** It has ended by itself. */
  async #down(run: Run, exit: Exit): Promise<void> {
    if (!this.#is('running', run) || this.#state.kind !== 'running') return;
    const { clock, journal } = this.#parts;
    const upMs = clock.now() - this.#state.since;
    if (upMs >= wellAfterMs) this.#inRow = 0;
    journal.warn({ ...exit, upMs: Math.round(upMs) }, 'the server has ended by itself');
    const failure = (): SocketReferenceError => gaveUp(run.failed(), exit, this.#inRow);
    if (exit.code === 0 && this.#held?.bound) await this.#rest(run, failure);
    else await this.#again(run, failure);
  }

  /** Ends what is left of a run, and starts another one after a while; or gives up. */
  async #again(run: Run, failure: () => SocketReferenceError): Promise<void> {
    const error = this.#inRow >= this.#parts.server.restart ? failure() : undefined;
    if (!(await this.#clearAfter(run))) return;
    if (error) this.#host?.failed(error);
    else this.#startAgain();
  }

  /**
   * Ends what is left of a run that ended because it had nothing to do, and starts another one when a client comes. If one
   * waits already it was not well: it left a client alone.
   */
  async #rest(run: Run, failure: () => SocketReferenceError): Promise<void> {
    const error = this.#inRow >= this.#parts.server.restart ? failure() : undefined;
    if (!(await this.#clearAfter(run))) return;
    const client = this.#held?.untilClient();
    if (!client) return this.#startAgain();
    this.#state = { kind: 'waiting' };
    const left = await Promise.race([client.then(() => true), afterLook().then(() => false)]);
    if (!this.#waits) return;
    if (left) {
      if (error) this.#host?.failed(error);
      else this.#startAgain(true);
      return;
    }
    this.#inRow = 0;
    this.#parts.journal.info({}, 'the server is started by the next connection');
    await client;
    if (this.#waits) await this.#relaunch(true);
  }

  get #waits(): boolean {
    return this.#state.kind === 'waiting';
  }

  /** Ends what is left of a run; false if it was stopped meanwhile, or has failed. */
  async #clearAfter(run: Run): Promise<boolean> {
    this.#state = { kind: 'clearing', run };
    try {
      await run.end();
      if (!this.#is('clearing', run)) return false;
      await this.#clear();
      return this.#is('clearing', run);
    } catch (error) {
      this.#host?.failed(systemError(error, this.#parts.place.path, 'clear up after the server'));
      return false;
    }
  }

  #startAgain(called = false): void {
    const pauseMs = Math.min(firstPauseMs * 2 ** this.#inRow, longestPauseMs);
    this.#inRow++;
    this.#restarts++;
    this.#pause(pauseMs, called);
  }

  #pause(ms: number, called = false): void {
    this.#held?.stopWaiting();
    this.#state = { kind: 'pausing', timer: this.#parts.clock.after(ms, () => void this.#relaunch(called)) };
  }

  async #relaunch(called = false): Promise<void> {
    try {
      await this.#launch(called);
      if (this.#state.kind === 'running') this.#host?.ready();
    } catch (error) {
      const state = this.#state;
      if (state.kind !== 'launching') return;
      const reason = systemError(error, this.#parts.place.path, 'start the server again');
      this.#parts.journal.warn({ error: reason.message }, 'the server could not be started again');
      // It will not come back by waiting for it, and who has another directory can serve at once.
      if (isWithoutDirectory(reason)) this.#inRow = this.#parts.server.restart;
      await this.#again(state.run, () => reason);
    }
  }

  /** Ends a server that nobody can reach any more; its end is followed by a restart, as any. */
  async #replace(run: Run): Promise<void> {
    try {
      await run.end();
    } catch (error) {
      this.#parts.journal.error({ error: String(error) }, 'the server could not be ended');
    }
  }

  /** A held socket stays for the next server, unless no name leads to it any more. */
  async #clear(): Promise<void> {
    if (this.#held && lstatIfThere(this.#parts.place.directory.at(this.#privateName))) return;
    await this.#held?.close();
    this.#held = undefined;
    this.#removeTemporary();
  }

  #removeTemporary(): void {
    if (this.#temporary === undefined) return;
    removePrivateDirectory(this.#parts.place.directory, this.#temporary);
    this.#temporary = undefined;
  }

  #is(kind: State['kind'], run: Run): boolean {
    return this.#state.kind === kind && 'run' in this.#state && this.#state.run === run;
  }

  get #privateName(): string {
    return `${this.#temporary}/${this.#parts.place.names.data}`;
  }
}

/** Resolves when the process is there. */
async function spawned({ pid }: Run, signal: AbortSignal): Promise<void> {
  if (pid !== undefined) return;
  // Why there is none comes in a moment.
  signal.throwIfAborted();
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

/** Resolves when the event loop has looked at all descriptors once more: in the turn that it is in it may have done so already. */
async function afterLook(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}
