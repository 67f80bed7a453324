import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { deferred } from '../deferred.js';
import { quote, SocketReferenceError, type SocketReferenceErrorDetails } from '../errors/error.js';
import { systemError } from '../errors/system.js';
import type { LockFile } from '../files/lock-file.js';
import type { Place } from '../files/place.js';
import { maxSocketPathBytes, reachesThroughDescriptors } from '../files/platform.js';
import { privateDirectoryBytes } from '../files/private-directory.js';
import { keeperProgram } from '../installation.js';
import { maxOutputBytes } from '../protocol/constants.js';
import type { SocketReferenceErrorCode } from '../protocol/errors.js';
import type { ServerCommand } from '../serving/server-spec.js';
import { shellCommand } from '../shell-words.js';
import { keeperDescriptors, keeperStdio } from './keeper-descriptors.js';
import { removeLeftovers } from './remove-leftovers.js';
import type { OwnerSettings } from './settings.js';

/**
 * How long to wait for a keeper that is no longer wanted, in milliseconds: it must be up to be told so. A keeper that
 * takes longer ends when no member attaches.
 */
const unwantedMs = 5_000;

/** The task that a keeper gets. */
export interface KeeperTask {
  readonly directory: string;
  readonly name: string;
  readonly server: ServerCommand;
  readonly settings: OwnerSettings;
  /** Members that cannot serve and had references to the endpoint when its last owner was lost. */
  readonly awaitedDependents: number;
}

/** The answer of a keeper: members can attach, or why they cannot. */
export type KeeperAnswer =
  | { readonly up: true }
  | {
      readonly failed: {
        readonly code: SocketReferenceErrorCode;
        readonly message: string;
        readonly detail: SocketReferenceErrorDetails;
      };
    };

/** How a keeper died before its server was up. */
export interface KeeperDeath {
  readonly pid: number;
  /** In words, as in "it <how>". */
  readonly how: string;
  /** The end of what it wrote to stderr. */
  readonly complaint: string;
}

/** A keeper that is up, and what its parent learns about it. */
export interface StartedKeeper {
  /** How it died, if it did; waits a moment for that. Undefined if it ended as it should, or still runs. */
  death(): Promise<KeeperDeath | undefined>;
  /** Stops listening to it. */
  detach(): void;
}

/** What a keeper is started for. */
export interface KeeperStart {
  /** Locked, and its dead owner's files removed. It is passed to the keeper and released here. */
  readonly lock: LockFile;
  readonly server: ServerCommand;
  readonly settings: OwnerSettings;
  readonly awaitedDependents: number;
}

/** How long to wait for the end of a keeper to which members cannot attach, in milliseconds. */
const dyingMs = 1_000;

/**
 * Starts a keeper and makes it the owner: a process of its own, which runs the command and outlives this one. Resolves
 * when members can attach to it, or when it has ended and starting over may help. The signal does not end the wait: the
 * keeper has the lock by then, and only a member can tell it that it is no longer wanted.
 *
 * @throws SocketReferenceError why the keeper could not become the owner
 */
export async function startKeeper(
  { lock, server, settings, awaitedDependents }: KeeperStart,
  signal: AbortSignal,
): Promise<StartedKeeper> {
  const { directory, names, path } = lock.place;
  if (!server.activate) assertPrivatePathFits(path);
  const program = keeperProgram(path);
  // The files of the dead owner are removed. No process may read its record until the keeper begins its own.
  lock.clear();
  // Loaded at first use: an import of this package would take longer with it.
  const child = process.getBuiltinModule('node:child_process').spawn(process.execPath, [program], {
    cwd: '/',
    detached: true,
    env: keeperEnvironment(),
    stdio: keeperStdio(lock.fd),
  });
  if (child.pid === undefined) {
    const [error] = await once(child, 'error');
    throw systemError(error, path, `start the keeper of ${path}`);
  }
  // From here on the keeper has the lock: this process may be killed at any moment.
  lock.handOver();
  // The label belongs to a holder, and the keeper holds no reference.
  const itsSettings = { ...settings, label: undefined };
  const task: KeeperTask = {
    directory: directory.path,
    name: names.data,
    server,
    settings: itsSettings,
    awaitedDependents,
  };
  const watched = watchKeeper(child, child.pid);
  try {
    const answer = await ask(child, task, signal);
    if (answer && 'failed' in answer) {
      const { code, message, detail } = answer.failed;
      throw new SocketReferenceError(code, message, { ...detail, path });
    }
    return watched;
  } catch (error) {
    watched.detach();
    throw error;
  }
}

/** Watches a keeper's output and end, for as long as its parent wants to know. */
function watchKeeper(child: ChildProcess, pid: number): StartedKeeper {
  const complaints = child.stderr as Readable;
  let complaint = '';
  complaints.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-maxOutputBytes);
  });
  complaints.on('error', () => {});
  const closed = deferred<void>();
  child.once('close', () => closed.resolve());
  return {
    async death() {
      const timer = setTimeout(closed.resolve, dyingMs);
      await closed.promise;
      clearTimeout(timer);
      const { exitCode: code, signalCode: ended } = child;
      // It may have found that another process took the lock: start over.
      if (code === 0 || (code === null && ended === null)) return undefined;
      const how = ended === null ? `exited with status ${code}` : `was ended by ${ended}`;
      return { pid, how, complaint: complaint.trim() };
    },
    detach() {
      complaints.destroy();
      child.unref();
    },
  };
}

/** Sends the keeper its task and waits for its answer; undefined if it ended without one. */
async function ask(child: ChildProcess, task: KeeperTask, signal: AbortSignal): Promise<KeeperAnswer | undefined> {
  const talk = child.stdio[keeperDescriptors.task] as Readable & Writable;
  let answer = '';
  const answered = deferred<void>();
  talk.on('data', (chunk: Buffer) => {
    answer += chunk.toString();
    // The end of the answer, not of the connection: a program that traces the keeper may have inherited its side.
    if (answer.endsWith('\n')) answered.resolve();
  });
  // It may end before it has read its task, which the system reports as an error; its exit tells more.
  talk.on('error', () => {});
  talk.once('close', () => answered.resolve());
  talk.end(JSON.stringify(task));
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const hurry = (): void => {
    timer = setTimeout(() => late.abort(signal.reason), unwantedMs);
  };
  if (signal.aborted) hurry();
  else signal.addEventListener('abort', hurry, { once: true });
  const gone = once(child, 'close', { signal: late.signal });
  try {
    await Promise.race([answered.promise, gone]);
    if (answer.endsWith('\n')) return JSON.parse(answer) as KeeperAnswer;
    await gone;
    return undefined;
  } finally {
    signal.removeEventListener('abort', hurry);
    clearTimeout(timer);
    gone.catch(() => {});
    talk.destroy();
  }
}

/** The keeper's environment is ours, without the variables that change how Node itself runs. */
function keeperEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return { ...env, NODE_NO_WARNINGS: '1', ...(process.versions['electron'] && { ELECTRON_RUN_AS_NODE: '1' }) };
}

/** The server binds to a full path in a private directory: that must fit into a socket address as well. */
function assertPrivatePathFits(path: string): void {
  const length = Buffer.byteLength(path);
  const max = maxSocketPathBytes - privateDirectoryBytes;
  if (length <= max) return;
  const activate = reachesThroughDescriptors ? ', or have it handed its socket (activate: true)' : '';
  throw new SocketReferenceError(
    'ERR_SOCKREF_PATH_TOO_LONG',
    `The path ${quote(path)} has ${length} bytes; the private directory where a command binds its socket adds ${privateDirectoryBytes} more, ` +
      `which makes ${length + privateDirectoryBytes} of at most ${maxSocketPathBytes}; choose a shorter path${activate}`,
    { path, length, max },
  );
}

/** The error after so many keepers have died in a row. */
export async function keepersFailed(place: Place, deaths: number, last: KeeperDeath): Promise<SocketReferenceError> {
  const { path } = place;
  // It may have died before it removed its files. If we cannot remove them now, the next owner does.
  await removeLeftovers(place, last.pid).catch(() => {});
  const said = lastWords(last.complaint);
  return new SocketReferenceError(
    'ERR_SOCKREF_SERVER_FAILED',
    `The keeper of ${path} has died ${deaths} times in a row before the server was up; ` +
      `the last one (pid ${last.pid}) ${last.how}${said === undefined ? '' : `: ${quote(said)}`}`,
    { path, reason: 'keeper', stderr: last.complaint },
  );
}

/** The error after so many keepers have died in a row, each soon after its server was up. Their last words are in no pipe of ours. */
export function keepersKeepDying({ path }: Place, deaths: number): SocketReferenceError {
  return new SocketReferenceError(
    'ERR_SOCKREF_SERVER_FAILED',
    `The keeper of ${path} has died ${deaths} times in a row, each time soon after the server was up; ` +
      `its log may say why (${shellCommand(['sockref', 'logs', '--keeper', path])})`,
    { path, reason: 'keeper', stderr: '' },
  );
}

/** The most informative line of a process's last output: the error that Node shows, or else the last line. */
function lastWords(complaint: string): string | undefined {
  const lines = complaint.split('\n').filter((line) => line.trim() !== '');
  return lines.findLast((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1);
}
