import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.js';
import { deferred } from '../deferred.js';
import { errnoOf, systemError } from '../errors/system.js';
import { joinPath } from '../files/paths.js';
import type { Place } from '../files/place.js';
import type { RecordedServer } from '../files/record.js';
import { endProcesses, leashOf, livingOf, startOf } from '../processes/end.js';
import { serverMark } from '../protocol/constants.js';
import type { ServerCommand } from '../serving/server-spec.js';
import { expandCommand } from './command.js';
import { endChild } from './end-child.js';
import {
  type Exit,
  exitedEarly,
  type FailedServer,
  listensElsewhere,
  noDirectory,
  notEnded,
  notFound,
  notReady,
} from './failures.js';
import { isDirectory, whyNotRunnable } from './find-program.js';
import { choosesItsName, otherSocket, type SocketPlace, untilOther } from './other-socket.js';
import type { ServerOutput } from './output.js';
import type { ServerHost } from './server-host.js';

/** The first descriptor with a listening socket in systemd's protocol. */
const listenFd = 3;

/** The parts of a {@link ServerProcess}. */
export interface ServerProcessParts {
  readonly place: Place;
  readonly server: ServerCommand;
  readonly clock: Clock;
  readonly host: ServerHost;
  /** Takes its output. */
  readonly output: ServerOutput;
  /** The name, in a private directory, at which it listens or gets its listening socket. */
  privateName(): string;
  /** The listening socket that it gets with `activate`. */
  heldFd(): number | undefined;
  /** Resolves when it accepts connections. */
  untilReady(signal: AbortSignal): Promise<void>;
}

/** One run of the server: from its start until none of its processes is left. */
export class ServerProcess {
  readonly #parts: ServerProcessParts;
  readonly #ended = new AbortController();
  readonly #exited = deferred<Exit>();
  #child: ChildProcess | undefined;
  #server: RecordedServer | undefined;
  /** Set when the server has ended unasked: its remaining processes are being ended. */
  #clearing: Promise<void> | undefined;
  #ending: Promise<void> | undefined;

  constructor(parts: ServerProcessParts) {
    this.#parts = parts;
  }

  /** How the server ended. */
  get exited(): Promise<Exit> {
    return this.#exited.promise;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Its processes, as the record names them. */
  get recorded(): RecordedServer | undefined {
    return this.#server;
  }

  /** Those of its processes that still live after {@link ServerProcess.end}, as far as the system tells. */
  get left(): readonly number[] {
    return this.#server?.start === undefined ? [] : livingOf(this.#server);
  }

  /**
   * Starts the server and waits until it accepts connections. Rejects with a typed error, and leaves its processes to
   * `end()`.
   */
  async begin(): Promise<void> {
    const { server, output, place } = this.#parts;
    output.begin(place.directory.at(directoryOf(this.#parts.privateName())));
    this.#assertRunnable();
    this.#spawn();
    const given = new AbortController();
    const timer = this.#parts.clock.after(server.readyTimeoutMs, () => given.abort());
    const signal = AbortSignal.any([given.signal, this.#ended.signal]);
    const early = this.#exited.promise.then((exit) => {
      throw exitedEarly(this.failed(), exit);
    });
    const elsewhere = this.#untilElsewhere(signal);
    try {
      await Promise.race([this.#parts.untilReady(signal), early, elsewhere]);
    } catch (error) {
      if (given.signal.aborted) {
        const other = server.activate ? undefined : otherSocket(this.#socketPlace());
        throw notReady(this.failed(), server.readyTimeoutMs, this.#whereToListen(), other);
      }
      throw error;
    } finally {
      timer.cancel();
      // Ends the waits for the outcomes that did not happen.
      given.abort();
      early.catch(() => {});
      elsewhere.catch(() => {});
    }
  }

  /** Rejects when the server listens under another name, if it is certain that it will not listen under ours. */
  async #untilElsewhere(signal: AbortSignal): Promise<never> {
    const { server } = this.#parts;
    if (server.activate || !choosesItsName(server.command)) return new Promise(() => {});
    const name = await untilOther(this.#socketPlace(), signal);
    throw listensElsewhere(this.failed(), name);
  }

  #socketPlace(): SocketPlace {
    const { place, privateName } = this.#parts;
    const at = place.directory.at(directoryOf(privateName()));
    return { at, directory: this.#privateDirectory(), wanted: place.names.data };
  }

  /** Ends all of its processes: first with its signal, after its time by SIGKILL. Idempotent. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  /** As {@link ServerProcess.end}, but rejects if processes are left. The error names them, so that the user can end them. */
  async endCompletely(): Promise<void> {
    const { path } = this.#parts.place;
    try {
      await this.end();
    } catch (error) {
      throw notEnded(path, this.left, error);
    }
    if (this.left.length > 0) throw notEnded(path, this.left, undefined);
  }

  async #end(): Promise<void> {
    this.#ended.abort(new Error('the server is being stopped'));
    if (!this.#server) return;
    await (this.#clearing ?? this.#endProcesses(false));
    // A process that we may not end, such as another user's, is not waited for.
    if (!this.left.includes(this.#server.pgid)) await this.#exited.promise;
    (this.#child?.stdio[this.#leashFd] as Duplex | undefined)?.destroy();
  }

  async #endProcesses(justEnded: boolean): Promise<void> {
    const { server, clock } = this.#parts;
    const { stopSignal, stopTimeoutMs } = server;
    if (!this.#server) return;
    if (this.#server.start !== undefined) {
      await endProcesses(this.#server, stopSignal, stopTimeoutMs, justEnded);
    } else if (!justEnded) {
      await endChild({ pid: this.#server.pgid, exited: this.#exited.promise }, stopSignal, stopTimeoutMs, clock);
    }
  }

  /** What the errors of this server need. */
  failed(): FailedServer {
    const { place, server, output } = this.#parts;
    const { command, activate } = server;
    const { path: log, noLog } = output;
    return { path: place.path, command, activate, output: output.tail(), log, noLog };
  }

  /** The shell that starts the program would report it only in its own words. */
  #assertRunnable(): void {
    const { command, cwd, env } = this.#parts.server;
    const [program = ''] = command;
    if (!isDirectory(cwd)) throw noDirectory(this.failed(), cwd);
    const why = whyNotRunnable(program, cwd, env['PATH']);
    if (why) throw notFound(this.failed(), program, why);
  }

  #spawn(): void {
    const { place, server, host } = this.#parts;
    const heldFd = this.#parts.heldFd();
    const { path, directory, names } = place;
    const dir = heldFd === undefined ? this.#privateDirectory() : directory.path;
    const socket = joinPath(dir, names.data);
    const output = this.#parts.output.fd;
    const leashFd = this.#leashFd;
    // The socket is passed as stdin only to make it blocking, which servers expect and Node undoes for the first three
    // descriptors. The shell becomes the server only after the record names it: if we are killed before, it ends
    // without having started.
    const activation = heldFd === undefined ? '' : 'exec </dev/null && export LISTEN_PID=$$ && ';
    const gate = `read -r go <&${leashFd} && ${activation}export ${serverMark}=$$ && exec "$@"`;
    const child = spawn('/bin/sh', ['-c', gate, 'sh', ...expandCommand(server.command, { socket, dir })], {
      cwd: server.cwd,
      env: {
        ...server.env,
        SOCKREF_LISTEN_PATH: socket,
        SOCKREF_PATH: path,
        ...(heldFd !== undefined && { LISTEN_FDS: '1' }),
      },
      // In a new session: a signal to its group reaches its processes and no others.
      detached: true,
      stdio: [heldFd ?? 'ignore', output, output, ...(heldFd === undefined ? [] : [heldFd]), 'pipe'],
    });
    this.#child = child;
    // Without a pid the start has failed; then only 'error' is emitted.
    child.once('error', (error) => {
      // It is the directory, because the shell exists. The directory may have been removed just now.
      const gone = errnoOf(error) === 'ENOENT' && !isDirectory(server.cwd);
      const what = `start ${JSON.stringify(server.command[0])} in ${JSON.stringify(server.cwd)}`;
      this.#ended.abort(gone ? noDirectory(this.failed(), server.cwd) : systemError(error, path, what));
    });
    child.once('exit', (code, signal) => {
      // In this tick the processes in its group are certain to be those that it left there.
      if (!this.#ending) this.#clearing = this.#endProcesses(true);
      // The caller of `end()` gets the failure.
      this.#clearing?.catch(() => {});
      this.#exited.resolve({ code, signal });
    });
    const { pid } = child;
    if (pid === undefined) return;
    this.#server = {
      pgid: pid,
      start: startOf(pid),
      leash: leashOf(pid, leashFd),
      signal: server.stopSignal,
      graceMs: server.stopTimeoutMs,
    };
    host.lock.append({ server: this.#server });
    const leash = child.stdio[leashFd] as Duplex;
    // The server sends nothing here, and may end before it has read our line.
    leash.on('error', () => {}).resume();
    leash.write('go\n');
    // The exit shows the end of the server. The leash only distinguishes its processes from others.
    (leash as Duplex & { unref(): void }).unref();
  }

  get #leashFd(): number {
    return this.#parts.server.activate ? listenFd + 1 : listenFd;
  }

  #privateDirectory(): string {
    const { place, privateName } = this.#parts;
    return joinPath(place.directory.path, directoryOf(privateName()));
  }

  #whereToListen(): string {
    return this.#parts.server.activate
      ? `descriptor ${listenFd} (LISTEN_FDS)`
      : 'the path that {socket} in its command and SOCKREF_LISTEN_PATH stand for';
  }
}

/** The private directory of a name. */
function directoryOf(privateName: string): string {
  return privateName.slice(0, privateName.indexOf('/'));
}
