import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { SocketReferenceErrorCode } from '../error-table.js';
import { SocketReferenceError, type SocketReferenceErrorDetails } from '../errors.js';
import type { EndpointLock } from '../files/lock.js';
import { assertPathFits, joinPath } from '../files/paths.js';
import { maxSocketPathBytes } from '../files/platform.js';
import { clearRecord } from '../files/record.js';
import { keeperProgram } from '../installation.js';
import { systemError } from '../system-errors.js';
import { deferred } from './deferred.js';
import { keeperDescriptors, keeperStdio } from './keeper-descriptors.js';
import type { ServerCommand } from './provider.js';
import type { OwnerSettings, Place } from './settings.js';
import { sweep } from './sweep.js';

/** What a private directory adds to a path: `.sr-`, 16 digits, a separator. */
const privateName = `.sr-${'0'.repeat(16)}`;

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
  readonly expected: number;
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

/** What a keeper is hired for. */
export interface Position {
  readonly place: Place;
  /** Held, its dead owner's files removed. Handed to the keeper: it is let go of here. */
  readonly lock: EndpointLock;
  readonly server: ServerCommand;
  readonly settings: OwnerSettings;
  readonly expected: number;
}

/**
 * Has a keeper become the owner: a process of its own, which runs the command and outlives us. Resolves when members can
 * attach to it, or when it has gone without a complaint and it is worth starting over. The signal does not end the wait for
 * it: it has the lock by then, and has to be told by a member that nobody wants it.
 *
 * @throws SocketReferenceError why it could not become the owner
 */
export async function hire({ place, lock, server, settings, expected }: Position, signal: AbortSignal): Promise<void> {
  const { directory, names, path } = place;
  if (!server.activate) assertPrivatePathFits(place);
  const program = keeperProgram(path);
  // What a dead owner recorded is gone; until the keeper begins its own record nobody shall read that.
  clearRecord(lock.fd);
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
  const task: KeeperTask = { directory: directory.path, name: names.data, server, settings: itsSettings, expected };
  const answer = await ask(child, task, signal);
  if (typeof answer === 'string') {
    // It may not have come as far as to remove its files; if that fails now, the next owner does it.
    await sweep(place, child.pid).catch(() => {});
    throw keeperFailed(path, child, answer);
  }
  if (answer && 'failed' in answer) {
    const { code, message, detail } = answer.failed;
    throw new SocketReferenceError(code, message, { ...detail, path });
  }
}

/** Tells the keeper its task, and waits for its answer: undefined if it went without one, a text if it crashed. */
async function ask(
  child: ChildProcess,
  task: KeeperTask,
  signal: AbortSignal,
): Promise<KeeperAnswer | string | undefined> {
  const talk = child.stdio[keeperDescriptors.task] as Readable & Writable;
  const complaints = child.stderr as Readable;
  let answer = '';
  let complaint = '';
  const answered = deferred<void>();
  talk.on('data', (chunk: Buffer) => {
    answer += chunk.toString();
    // Not the end of the connection: somebody may have inherited the keeper's side of it, as whoever traces it.
    if (answer.endsWith('\n')) answered.resolve();
  });
  complaints.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-maxComplaint);
  });
  // It may be gone before it has read its task, which is an error to the system; its exit tells.
  talk.on('error', () => {});
  talk.once('close', () => answered.resolve());
  complaints.on('error', () => {});
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
    const [code] = await gone;
    // Killed, or it found the lock taken from it: whoever comes next may be luckier.
    return code === 0 || code === null ? undefined : `exit status ${code}\n${complaint}`;
  } finally {
    signal.removeEventListener('abort', hurry);
    clearTimeout(timer);
    gone.catch(() => {});
    talk.destroy();
    complaints.destroy();
    child.unref();
  }
}

/** Its own is made from ours; what would change how Node itself runs is not the keeper's. */
function keeperEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return { ...env, NODE_NO_WARNINGS: '1', ...(process.versions['electron'] && { ELECTRON_RUN_AS_NODE: '1' }) };
}

/** The server binds by a full path, in a private directory: that must fit into a socket address as well. */
function assertPrivatePathFits({ directory, names }: Place): void {
  assertPathFits(joinPath(joinPath(directory.path, privateName), names.data), maxSocketPathBytes);
}

function keeperFailed(path: string, { pid }: ChildProcess, what: string): SocketReferenceError {
  return new SocketReferenceError(
    'ERR_SOCKREF_SERVER_FAILED',
    `The keeper of ${path} (pid ${pid}) failed before it could run the server: ${what.trimEnd()}`,
    { path, reason: 'keeper', stderr: what },
  );
}
