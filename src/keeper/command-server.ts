import type { Clock, Timer } from '../clock.js';
import type { ServerState } from '../control/messages.js';
import type { SocketReferenceError } from '../errors/error.js';
import { systemError } from '../errors/system.js';
import type { OutputPlace } from '../files/file-end.js';
import { type Identity, identityOf, lstatIfThere } from '../files/identity.js';
import { modeBits, restoreMode } from '../files/mode.js';
import { joinPath } from '../files/paths.js';
import type { Place } from '../files/place.js';
import { makeTemporary } from '../files/publish.js';
import type { RecordEntry } from '../files/record.js';
import { isWithoutDirectory, modeChanged, notListening } from '../ownership/reasons.js';
import { privateDirectoryMode } from '../protocol/constants.js';
import type { ServerCommand } from '../serving/server-spec.js';
import { shellCommand } from '../shell-words.js';
import { HeldSocket } from './activation.js';
import { type Exit, gaveUp, notEnded } from './failures.js';
import type { Journal } from './journal.js';
import type { StartedServer } from './keeper-owner.js';
import type { ServerOutput } from './output.js';
import { lookAtOwnSocket } from './own-socket.js';
import { untilAccepted, untilConnectable } from './readiness.js';
import type { ServerHost } from './server-host.js';
import { ServerProcess } from './server-process.js';
import { listensAt } from './socket-table.js';

/** The pause before the first restart, in milliseconds; each further one in a row is twice as long. */
const firstPauseMs = 100;
/** The longest. */
const longestPauseMs = 5_000;
/** What has been up for so many milliseconds was well: the restarts begin to count anew. */
const stableAfterMs = 10_000;
/** The pause between two looks for a server that nobody can connect to, in milliseconds. */
const relookMs = 200;
/** How long a server may listen with no name that leads to it, in milliseconds: longer than to close its socket takes. */
const namelessMs = 1_000;
/** Characters of a command that listings show. */
const maxShown = 1_000;
/** Characters of the reason why there is no log: a path and some words. */
const maxShownReason = 400;
/** Bytes that the words of a command may have in a listing: room for them was set aside there. */
const maxWordsBytes = 3_000;

type State =
  | { readonly kind: 'idle' }
  /** `ready`: it accepts connections, and its socket can be published. */
  | { readonly kind: 'launching'; readonly run: ServerProcess; readonly ready: boolean }
  /** `problem`: why nobody can connect to it, since it has made its socket again or closed it. */
  | {
      readonly kind: 'running';
      readonly run: ServerProcess;
      readonly since: number;
      readonly problem: string | undefined;
    }
  /** It ended by itself; what is left of it is being ended too. */
  | { readonly kind: 'clearing'; readonly run: ServerProcess }
  | { readonly kind: 'pausing'; readonly timer: Timer }
  /** It ended because it had nothing to do; the next client at the held socket has it started. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'stopped'; readonly done: Promise<void> };

/** What a server that runs a command is made of. */
export interface CommandServerParts {
  readonly place: Place;
  readonly server: ServerCommand;
  readonly clock: Clock;
  readonly journal: Journal;
  /** Takes what the server writes. */
  readonly output: ServerOutput;
}

/** A command that is run as the server behind a socket, and run again when it ends by itself. */
export class CommandServer implements StartedServer {
  readonly stats = { open: 0, accepted: 0, dropped: 0, failed: 0 };
  readonly busy = true;
  readonly #parts: CommandServerParts;
  #host: ServerHost | undefined;
  #state: State = { kind: 'idle' };
  /** The private directory of what listens now. */
  #temporary: string | undefined;
  #held: HeldSocket | undefined;
  /** Whether the kernel lists the server as listening at its private name: then it tells when it does not any more. */
  #listed = false;
  #relook: Timer | undefined;
  /** Since when the server has listened with no name that leads to it. */
  #namelessSince: number | undefined;
  #restarts = 0;
  #inRow = 0;

  constructor(parts: CommandServerParts) {
    this.#parts = parts;
  }

  get stopTimeoutMs(): number {
    return this.#parts.server.stopTimeoutMs;
  }

  /** A held socket has a queue, in which clients wait for the next server. */
  get reachable(): boolean {
    return (this.#state.kind === 'running' && this.#state.problem === undefined) || this.#held?.bound === true;
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
    const problem = state.kind === 'running' ? state.problem : undefined;
    const up = (state.kind === 'running' && problem === undefined) || state.kind === 'waiting';
    const again = this.#restarts > 0 || state.kind === 'clearing' || problem !== undefined;
    const { noLog } = this.#parts.output;
    const { command } = this.#parts.server;
    const whole = Buffer.byteLength(JSON.stringify(command)) <= maxWordsBytes;
    return {
      ...(pid !== undefined && { pid }),
      ...(problem !== undefined && { problem }),
      command: shellCommand(command).slice(0, maxShown),
      ...(whole && { argv: [...command] }),
      state: up ? 'running' : again ? 'restarting' : 'starting',
      restarts: this.#restarts,
      ...(state.kind === 'waiting' && { waiting: true }),
      ...(!up && this.output && { output: this.output }),
      ...(noLog !== undefined && { noLog: noLog.slice(0, maxShownReason) }),
    };
  }

  async start(host: ServerHost): Promise<void> {
    this.#host = host;
    await this.#launch();
  }

  /** The server's own name for its socket. It stays as long as the server lives, to be linked again. */
  source(): string | undefined {
    const { place, journal, clock } = this.#parts;
    const state = this.#state;
    const ready = state.kind === 'running' || (state.kind === 'launching' && state.ready) || this.#held?.bound === true;
    // While the server is started, its socket comes with it.
    if (!ready) return undefined;
    const name = this.#privateName;
    if (lstatIfThere(place.directory.at(name))) {
      this.#namelessSince = undefined;
      return name;
    }
    if (state.kind === 'waiting') {
      this.#pause(0);
      throw new Error('the socket of the server was removed by another program; the server is started, with a new one');
    }
    if (state.kind !== 'running') throw new Error('the socket that the server has made is gone again');
    // It listens no more, and may be about to make another one: the look tells.
    if (state.problem !== undefined || (this.#listed && listensAt(this.#boundPath) === false)) {
      this.#namelessSince = undefined;
      return undefined;
    }
    // A server that closes its socket removes the name a moment before.
    const now = clock.now();
    if (this.#namelessSince === undefined) {
      this.#namelessSince = now;
      clock.after(namelessMs, () => void this.#host?.repair(), true);
    }
    if (now - this.#namelessSince < namelessMs) return undefined;
    // By no name can anybody reach it: another one has to take its place.
    journal.warn({ name }, 'the private directory of the server was emptied by another program');
    this.#namelessSince = undefined;
    void this.#replace(state.run);
    throw new Error('the private directory of the server was emptied by another program; the server is started anew');
  }

  /** A server may close its socket and listen at a new one, as under a program that starts it again when a file changes. */
  readonly look = async (published: Identity | undefined): Promise<boolean> => {
    const state = this.#state;
    if (this.#temporary !== undefined) this.#keepPrivate(this.#temporary);
    // A held socket is ours, and no server can make it again.
    if (state.kind !== 'running' || this.#held) return false;
    const found = await lookAtOwnSocket(this.#parts.place, this.#privateName, published, this.#listed);
    if (!this.#is('running', state.run)) return false;
    if (found.kind === 'none') {
      this.#unreachable(found.problem);
      return false;
    }
    const again = found.kind === 'another' && (await this.#publishAgain());
    // If it has gone meanwhile, the next look tells.
    if (found.kind === 'same' || again) this.#reachable(state.run);
    return again;
  };

  /** Under a watcher that may come a thousand times, and the record has its limit. */
  #publishAgain(): Promise<boolean> {
    const host = this.#host as ServerHost;
    host.shortenRecord();
    return host.publish();
  }

  #unreachable(problem: string): void {
    const { place, clock, journal } = this.#parts;
    const host = this.#host as ServerHost;
    if (this.#state.kind !== 'running') return;
    const { run, problem: before } = this.#state;
    this.#state = { ...this.#state, problem };
    if (before === undefined) {
      journal.warn({ server: run.pid, problem }, 'nobody can connect to the server');
      host.fault(notListening(place.path, run.pid, problem));
    }
    // Clients are refused until it is found again.
    this.#relook?.cancel();
    this.#relook = clock.after(relookMs, () => void host.repair(), true);
  }

  #reachable(run: ServerProcess): void {
    if (this.#state.kind !== 'running' || this.#state.run !== run) return;
    this.#relook?.cancel();
    this.#listed = listensAt(this.#boundPath) === true;
    if (this.#state.problem === undefined) return;
    this.#state = { ...this.#state, problem: undefined };
    this.#parts.journal.info({ server: run.pid }, 'the server accepts connections again');
    this.#host?.ready();
  }

  /** Nobody else is to see what is in there (I6). */
  #keepPrivate(name: string): void {
    const { directory } = this.#parts.place;
    const stats = lstatIfThere(directory.at(name));
    const mode = Number(stats?.mode) & modeBits;
    if (!stats?.isDirectory() || mode === privateDirectoryMode) return;
    restoreMode(directory.at(name), identityOf(stats), privateDirectoryMode);
    this.#host?.fault(modeChanged(joinPath(directory.path, name), mode, privateDirectoryMode));
  }

  stop(): Promise<void> {
    if (this.#state.kind === 'stopped') return this.#state.done;
    const state = this.#state;
    const done = this.#stop(state);
    this.#state = { kind: 'stopped', done };
    return done;
  }

  detach(): void {
    this.stop().catch((error: unknown) => this.#parts.journal.error({ error }, 'the server could not be stopped'));
  }

  async #stop(state: State): Promise<void> {
    if (state.kind === 'pausing') state.timer.cancel();
    this.#relook?.cancel();
    if ('run' in state) await this.#end(state.run);
    await this.#held?.close();
    this.#removeTemporary();
  }

  /** A server that could not be ended lives on, and no one will end it who is not told of it. */
  async #end(run: ServerProcess): Promise<void> {
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
    const host = this.#host as ServerHost;
    const run = new ServerProcess({
      ...this.#parts,
      host,
      privateName: () => this.#privateName,
      heldFd: () => this.#held?.fd,
      untilReady: (signal) => (called ? spawned(run, signal) : this.#untilReady(signal)),
    });
    this.#state = { kind: 'launching', run, ready: false };
    host.shortenRecord();
    // One to which no name leads any more is of no use.
    if (this.#held && !lstatIfThere(place.directory.at(this.#privateName))) await this.#clear();
    if (!this.#is('launching', run)) return;
    this.#temporary ??= makeTemporary(host.lock, 'append', host.remains);
    if (server.activate && !this.#held) {
      await this.#hold(place.directory.at(this.#privateName));
      if (!this.#is('launching', run)) return;
    }
    await run.begin();
    if (!this.#is('launching', run)) return;
    this.#state = { kind: 'launching', run, ready: true };
    if (!server.activate) await host.publish();
    if (!this.#is('launching', run)) return;
    this.#listed = !server.activate && listensAt(this.#boundPath) === true;
    this.#state = { kind: 'running', run, since: this.#parts.clock.now(), problem: undefined };
    this.#parts.journal.info({ server: run.pid, restarts: this.#restarts }, 'the server is ready');
    void run.exited.then((exit) => this.#down(run, exit));
  }

  /** Has a socket listening that is handed to one server after the other. */
  async #hold(at: string): Promise<void> {
    const held = new HeldSocket();
    this.#held = held;
    await held.bind(at);
    await (this.#host as ServerHost).publish();
  }

  #untilReady(signal: AbortSignal): Promise<void> {
    const at = this.#parts.place.directory.at(this.#privateName);
    return this.#held ? untilAccepted(at, at, signal) : untilConnectable(at, signal);
  }

  /** It has ended by itself. */
  async #down(run: ServerProcess, exit: Exit): Promise<void> {
    if (!this.#is('running', run) || this.#state.kind !== 'running') return;
    const { clock, journal } = this.#parts;
    const upMs = clock.now() - this.#state.since;
    if (upMs >= stableAfterMs) this.#inRow = 0;
    journal.warn({ ...exit, upMs: Math.round(upMs) }, 'the server has ended by itself');
    const failure = (): SocketReferenceError => gaveUp(run.failed(), exit, this.#inRow);
    if (exit.code === 0 && this.#held?.bound) await this.#rest(run, failure);
    else await this.#again(run, failure);
  }

  /** Ends what is left of a run, and starts another one after a while; or gives up. */
  async #again(run: ServerProcess, failure: () => SocketReferenceError): Promise<void> {
    const error = this.#inRow >= this.#parts.server.restart ? failure() : undefined;
    if (!(await this.#clearAfter(run))) return;
    if (error) this.#host?.failed(error);
    else this.#startAgain();
  }

  /**
   * Ends what is left of a run that ended because it had nothing to do, and starts another one when a client comes. If one
   * waits already it was not well: it left a client alone.
   */
  async #rest(run: ServerProcess, failure: () => SocketReferenceError): Promise<void> {
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
  async #clearAfter(run: ServerProcess): Promise<boolean> {
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
  async #replace(run: ServerProcess): Promise<void> {
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
    // What cannot be removed now keeps no server from being started again; the owner's end tries once more.
    this.#host?.remains.removeDirectory(this.#parts.place.directory, this.#temporary);
    this.#temporary = undefined;
  }

  #is(kind: State['kind'], run: ServerProcess): boolean {
    return this.#state.kind === kind && 'run' in this.#state && this.#state.run === run;
  }

  get #privateName(): string {
    return `${this.#temporary}/${this.#parts.place.names.data}`;
  }

  /** The private name as the server binds it, and as the kernel lists it. */
  get #boundPath(): string {
    return joinPath(this.#parts.place.directory.path, this.#privateName);
  }
}

/** Resolves when the process is there. */
async function spawned({ pid }: ServerProcess, signal: AbortSignal): Promise<void> {
  if (pid !== undefined) return;
  // Why there is none comes in a moment.
  signal.throwIfAborted();
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

/** Resolves when the event loop has looked at all descriptors once more: in the turn that it is in it may have done so already. */
async function afterLook(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}
