import { type ChildProcess, spawn } from 'node:child_process';
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
import type { SocketReferenceErrorCode } from '../protocol/errors.js';
import type { ServerCommand } from '../serving/server-spec.js';
import { keeperDescriptors, keeperStdio } from './keeper-descriptors.js';
import { removeLeftovers } from './remove-leftovers.js';
import type { OwnerSettings } from './settings.js';

/** How much of what a keeper complains of is kept for the error. */
const maxComplaint = 4_096;

/**
 * How long a keeper is waited for that nobody wants any more, in milliseconds: to be told so, it must be up. One that takes
 * longer ends by itself when nobody comes.
 */
const unwantedMs = 5_000;

/** What a keeper is told. */
export interface KeeperTask {
  readonly directory: string;
  readonly name: string;
  readonly server: ServerCommand;
  readonly settings: OwnerSettings;
  /** Members that cannot serve and had references to the endpoint when its last owner was lost. */
  readonly awaitedDependents: number;
}

/** What it answers: members can attach; or why not. */
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
  /** The end of what it said on stderr. */
  readonly complaint: string;
}

/** A keeper that is up, and what its parent hears of it. */
export interface StartedKeeper {
  /** How it has died, if it has; waits a moment for that. Undefined if it has ended as it should, or goes on. */
  death(): Promise<KeeperDeath | undefined>;
  /** It is on its own from here on. */
  detach(): void;
}

/** What a keeper is hired for. */
export interface KeeperStart {
  /** Held, its dead owner's files removed. Handed to the keeper: it is let go of here. */
  readonly lock: LockFile;
  readonly server: ServerCommand;
  readonly settings: OwnerSettings;
  readonly awaitedDependents: number;
}

/** How long the end of a keeper is waited for that members cannot attach to, in milliseconds. */
const dyingMs = 1_000;

/**
 * Has a keeper become the owner: a process of its own, which runs the command and outlives us. Resolves when members can
 * attach to it, or when it has gone and it may be worth starting over. The signal does not end the wait for it: it has the
 * lock by then, and has to be told by a member that nobody wants it.
 *
 * @throws SocketReferenceError why it could not become the owner
 */
export async function startKeeper(
  { lock, server, settings, awaitedDependents }: KeeperStart,
  signal: AbortSignal,
): Promise<StartedKeeper> {
  const { directory, names, path } = lock.place;
  if (!server.activate) assertPrivatePathFits(path);
  const program = keeperProgram(path);
  // What a dead owner recorded is gone; until the keeper begins its own record nobody shall read that.
  lock.clear();
  const child = spawn(process.execPath, [program], {
    cwd: '/',
    detached: true,
    env: keeperEnvironment(),
    stdio: keeperStdio(lock.fd),
  });
  if (child.pid === undefined) {
    const [error] = await once(child, 'error');
    throw systemError(error, path, `start the keeper of ${path}`);
  }
  // From here on the keeper has the lock: we may be killed at any moment.
  lock.handOver();
  // The label is that of a holder, and the keeper holds nothing.
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

/** Hears what a keeper says, and how it ends, for as long as its parent wants to know. */
function watchKeeper(child: ChildProcess, pid: number): StartedKeeper {
  const complaints = child.stderr as Readable;
  let complaint = '';
  complaints.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-maxComplaint);
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
      // It found the lock taken from it, say: whoever comes next may be luckier.
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

/** Tells the keeper its task, and waits for its answer: undefined if it went without one. */
async function ask(child: ChildProcess, task: KeeperTask, signal: AbortSignal): Promise<KeeperAnswer | undefined> {
  const talk = child.stdio[keeperDescriptors.task] as Readable & Writable;
  let answer = '';
  const answered = deferred<void>();
  talk.on('data', (chunk: Buffer) => {
    answer += chunk.toString();
    // Not the end of the connection: somebody may have inherited the keeper's side of it, as whoever traces it.
    if (answer.endsWith('\n')) answered.resolve();
  });
  // It may be gone before it has read its task, which is an error to the system; its exit tells.
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

/** Its own is made from ours; what would change how Node itself runs is not the keeper's. */
function keeperEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return { ...env, NODE_NO_WARNINGS: '1', ...(process.versions['electron'] && { ELECTRON_RUN_AS_NODE: '1' }) };
}

/** The server binds by a full path, in a private directory: that must fit into a socket address as well. */
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
  // It may not have come as far as to remove its files; if that fails now, the next owner does it.
  await removeLeftovers(place, last.pid).catch(() => {});
  const said = lastWords(last.complaint);
  return new SocketReferenceError(
    'ERR_SOCKREF_SERVER_FAILED',
    `The keeper of ${path} has died ${deaths} times in a row before the server was up; ` +
      `the last one (pid ${last.pid}) ${last.how}${said === undefined ? '' : `: ${quote(said)}`}`,
    { path, reason: 'keeper', stderr: last.complaint },
  );
}

/** The line that says most of what a process said last: the error that Node shows, or simply the last one. */
function lastWords(complaint: string): string | undefined {
  const lines = complaint.split('\n').filter((line) => line.trim() !== '');
  return lines.findLast((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1);
}
