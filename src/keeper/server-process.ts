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
  notFound,
  notReady,
} from './failures.js';
import { isDirectory, whyNotRunnable } from './find-program.js';
import { choosesItsName, otherSocket, type SocketPlace, untilOther } from './other-socket.js';
import type { ServerOutput } from './output.js';
import type { ServerHost } from './server-host.js';

/** The first descriptor that a server of systemd's protocol finds a listening socket at. */
const listenFd = 3;

/** What a run of the server starts from. */
export interface ServerProcessParts {
  readonly place: Place;
  readonly server: ServerCommand;
  readonly clock: Clock;
  readonly host: ServerHost;
  /** Takes what it writes. */
  readonly output: ServerOutput;
  /** The name, in a private directory, at which it listens or has its socket listening. */
  privateName(): string;
  /** The socket that it is handed, in activation mode. */
  heldFd(): number | undefined;
  /** Resolves when it accepts connections. */
  untilReady(signal: AbortSignal): Promise<void>;
}

/** One life of the server: from its start until nothing of its processes is left. */
export class ServerProcess {
  readonly #parts: ServerProcessParts;
  readonly #ended = new AbortController();
  readonly #exited = deferred<Exit>();
  #child: ChildProcess | undefined;
  #server: RecordedServer | undefined;
  /** Set when it has ended by itself: what it left is being ended. */
  #clearing: Promise<void> | undefined;
  #ending: Promise<void> | undefined;

  constructor(parts: ServerProcessParts) {
    this.#parts = parts;
  }

  /** How the server itself ended. */
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

  /** Those of its processes that live in spite of {@link ServerProcess.end}, as far as the system tells. */
  get left(): readonly number[] {
    return this.#server?.start === undefined ? [] : livingOf(this.#server);
  }

  /** Starts it and waits until it accepts connections. Rejects with a typed error, and leaves its processes to `end()`. */
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
      // Stops the waiting for what did not happen.
      given.abort();
      early.catch(() => {});
      elsewhere.catch(() => {});
    }
  }

  /** Rejects when it listens under a name of its own, where it is sure that it will not listen under ours. */
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

  /** Ends all of its processes: by its signal, and those that are left after its time by force. Idempotent. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    this.#ended.abort(new Error('the server is being stopped'));
    if (!this.#server) return;
    await (this.#clearing ?? this.#endProcesses(false));
    // What may not be ended, as a server of another user, is not waited for either.
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

  /** The end of its output, for errors. */
  failed(): FailedServer {
    const { place, server, output } = this.#parts;
    const { command, activate } = server;
    const { path: log, noLog } = output;
    return { path: place.path, command, activate, output: output.tail(), log, noLog };
  }

  /** The shell that starts it would only say it in its own words. */
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
    // As stdin the socket is only passed to have it block, which servers expect and Node undoes for the first three.
    // It becomes the server itself, but not before the record names it: if we are killed until then, it ends unheard.
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
      // A session of its own: what is sent to its group reaches its processes and nobody else.
      detached: true,
      stdio: [heldFd ?? 'ignore', output, output, ...(heldFd === undefined ? [] : [heldFd]), 'pipe'],
    });
    this.#child = child;
    // Without a pid it has failed, which comes as the error alone.
    child.once('error', (error) => {
      // The directory, since the shell is there; it may have gone in this very moment.
      const gone = errnoOf(error) === 'ENOENT' && !isDirectory(server.cwd);
      const what = `start ${JSON.stringify(server.command[0])} in ${JSON.stringify(server.cwd)}`;
      this.#ended.abort(gone ? noDirectory(this.failed(), server.cwd) : systemError(error, path, what));
    });
    child.once('exit', (code, signal) => {
      // In this very tick what is in its group is certain to be what it left there.
      if (!this.#ending) this.#clearing = this.#endProcesses(true);
      // Told to whoever ends this run.
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
    // It says nothing, and may be gone before it has heard us.
    leash.on('error', () => {}).resume();
    leash.write('go\n');
    // The server's life is watched by its exit; this only tells its processes from others.
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

/** The private directory that a name is in. */
function directoryOf(privateName: string): string {
  return privateName.slice(0, privateName.indexOf('/'));
}
