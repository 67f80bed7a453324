import { isSocketReferenceError, quote, SocketReferenceError } from '../errors/error.js';
import { protocolVersion } from '../protocol/constants.js';

/** The beginning of each message about a socket without an owner. */
export function noProcessServes(what: string): string {
  return `No process serves ${what}`;
}

/** The error when an acquire that can only join has nothing to join. */
export function notServed(path: string): SocketReferenceError {
  return new SocketReferenceError(
    'ERR_SOCKREF_NOT_SERVED',
    `${noProcessServes(path)}; pass \`serve\` or \`server\` to have it served, or start the program that serves it first`,
    { path },
  );
}

/** The error when an acquire that can only join finds no default directory: it does not create one. */
export function noDefaultDirectory(path: string | undefined, cause: unknown): SocketReferenceError {
  const message = `${noProcessServes(quote(path))}: the default directory does not exist; pass \`serve\` or \`server\` to have it served`;
  return new SocketReferenceError('ERR_SOCKREF_NOT_SERVED', message, { ...(path && { path }), cause });
}

/** The error of references that end because another process asked the owner to end, for all holders. */
export function stoppedByForce(path: string): SocketReferenceError {
  const message = `The socket ${path} was stopped by force`;
  return new SocketReferenceError('ERR_SOCKREF_CLOSED', message, { path, reason: 'stopped' });
}

/** The error of references whose directory is not found at its path any more. */
export function directoryReplaced(path: string): SocketReferenceError {
  const message = `The directory of ${path} was removed or replaced, and its socket is gone; acquire it again`;
  return new SocketReferenceError('ERR_SOCKREF_CLOSED', message, { path, reason: 'directory-replaced' });
}

/** The `reason` of a server that could not be started because its working directory is gone. */
export const noDirectoryReason = 'directory';

/**
 * Whether a server failed only because its starter's working directory is gone. A member with another directory can
 * start it; any other failure would repeat itself there.
 */
export function isWithoutDirectory(error: unknown): boolean {
  return (
    isSocketReferenceError(error) && error.code === 'ERR_SOCKREF_SERVER_FAILED' && error.reason === noDirectoryReason
  );
}

/** The fault when another program changed the mode of a file of ours, and it was restored. */
export function modeChanged(at: string, mode: number, wanted: number): Error {
  const octal = (bits: number): string => bits.toString(8).padStart(4, '0');
  return new Error(
    `The mode of ${quote(at)} was changed to ${octal(mode)}, and was set back to ${octal(wanted)}; ` +
      'let the server keep the mode; pass `mode` to choose another one',
  );
}

/** The fault when another program wrote to a lock file of ours, and its record was written again. */
export function recordChanged(at: string): Error {
  return new Error(
    `The record in ${quote(at)} was changed by another program, and was written again; let no other program write to this file`,
  );
}

/** The fault when a server runs but clients cannot connect to it. */
export function notListening(path: string, pid: number | undefined, problem: string): SocketReferenceError {
  const who = pid === undefined ? '' : ` (pid ${pid})`;
  const message = `The server of ${path}${who} runs, and no client can connect to it: ${problem}; it is published again when it listens there, else look at its log (sockref logs)`;
  return new SocketReferenceError('ERR_SOCKREF_SERVER_FAILED', message, { path, reason: 'not-listening' });
}

/** The error when a member cannot understand the messages of the owner. */
export function notUnderstood(path: string, what: string, theirs?: number): SocketReferenceError {
  return new SocketReferenceError(
    'ERR_SOCKREF_PROTOCOL',
    `The owner of ${path} cannot be understood: ${what} (this is version ${protocolVersion}); ` +
      'use the same major version of sockref in every program that shares the socket',
    { path, ours: protocolVersion, ...(theirs !== undefined && { theirs }) },
  );
}
