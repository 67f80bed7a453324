import { basename } from 'node:path';
import { messageOf, quote, SocketReferenceError } from '../errors/error.js';
import { systemError } from '../errors/system.js';
import { noDirectoryReason } from '../ownership/reasons.js';
import { shownCommand } from '../shell-words.js';

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What the errors of a server need. */
export interface FailedServer {
  /** The path of the socket. */
  readonly path: string;
  readonly command: readonly string[];
  /** Whether it got a listening socket. */
  readonly activate: boolean;
  /** The end of its output. */
  readonly output: string;
  /** Where all of its output is, if that was kept. */
  readonly log: string | undefined;
  /** Why its output was not kept. */
  readonly noLog: string | undefined;
}

/** The program does not exist, or may not be executed. */
export function notFound(server: FailedServer, program: string, why: string): SocketReferenceError {
  return failure(server, 'not-found', `the program ${quote(program)} ${why}; check its name, its mode and PATH`);
}

/** The server ended before it accepted a connection. */
export function exitedEarly(server: FailedServer, exit: Exit): SocketReferenceError {
  const advice =
    exit.code === 0 ? '; if it goes into the background, tell it to stay in the foreground' : '; see its output';
  return failure(server, 'exited', `it ${wordsFor(exit)} before it accepted a connection${advice}`, exit);
}

/** The working directory does not exist. A member with another directory may have more success. */
export function noDirectory(server: FailedServer, cwd: string): SocketReferenceError {
  const what = `its working directory ${quote(cwd)} does not exist; create it, or start the server in a directory that stays`;
  return failure(server, noDirectoryReason, what);
}

/** The server lives but does not listen where it must. */
export function notReady(server: FailedServer, timeoutMs: number, where: string, other?: string): SocketReferenceError {
  const instead = other === undefined ? '' : `; ${listensAt(other)}`;
  const what = `it accepted no connection within ${timeoutMs} ms (readyTimeoutMs); it has to listen at ${where}${instead}`;
  return failure(server, 'not-ready', what);
}

/** The server listens under a name that it chose itself. */
export function listensElsewhere(server: FailedServer, other: string): SocketReferenceError {
  return failure(server, 'not-ready', listensAt(other));
}

function listensAt(name: string): string {
  return `it listens at {dir}/${name}, a name that it chose; give the socket that name: sockref run ${name} …, or acquire(${quote(name)}, …)`;
}

/** The server ended once more often than it is restarted. */
export function gaveUp(server: FailedServer, exit: Exit, restarts: number): SocketReferenceError {
  const often = restarts === 0 ? '' : `, after ${restarts} restarts in a row`;
  return failure(server, 'restarts', `it ${wordsFor(exit)}${often}, and is not started again (restart)`, exit);
}

/** The server could not be ended: by an error, or because the system does not let us end its processes. */
export function notEnded(path: string, left: readonly number[], error: unknown): SocketReferenceError {
  const typed = systemError(
    error ?? Object.assign(new Error('kill EPERM'), { code: 'EPERM', syscall: 'kill' }),
    path,
    '',
  );
  const { code, errno, syscall } = typed;
  const pids = left.join(' ');
  const why = errno === undefined ? messageOf(error) : `${syscall ?? 'the system'} failed with ${errno}`;
  const state = left.length === 0 ? 'may still run' : `still runs (pid ${pids})`;
  const advice =
    left.length === 0 ? 'look for its processes' : `end it as a user with the permission to (kill ${pids})`;
  return new SocketReferenceError(code, `The server of ${path} could not be ended, and ${state}: ${why}; ${advice}`, {
    path,
    ...(errno !== undefined && { errno }),
    ...(syscall !== undefined && { syscall }),
    cause: error,
  });
}

function failure(server: FailedServer, reason: string, what: string, exit?: Exit): SocketReferenceError {
  const { path, command, output, log, noLog } = server;
  const hint = server.activate ? activationHint(command) : '';
  const kept = log === undefined ? '' : ` (log: ${log})`;
  const where = noLog === undefined ? kept : ` (no log: ${noLog})`;
  return new SocketReferenceError(
    'ERR_SOCKREF_SERVER_FAILED',
    `The server of ${path} failed: "${shownCommand(command)}": ${what}${hint}${where}`,
    { path, reason, stderr: output, ...(typeof exit?.code === 'number' && { exitCode: exit.code }) },
  );
}

/** Programs that start another program without passing on the descriptors that they got. */
const launchers: readonly string[] = ['npm', 'npx', 'yarn', 'pnpm'];

function activationHint([program = '']: readonly string[]): string {
  const name = basename(program);
  if (!launchers.includes(name)) return '';
  return `; ${name} does not pass descriptor 3 on to what it starts: name the server itself, as in "node server.js"`;
}

function wordsFor({ code, signal }: Exit): string {
  return signal === null ? `exited with status ${code}` : `was ended by ${signal}`;
}
