import { isSocketReferenceError, quote, SocketReferenceError } from '../errors/error.js';
import { protocolVersion } from '../protocol/constants.js';

/** How each message begins that tells of a socket without an owner. */
export function nobodyServes(what: string): string {
  return `Nobody serves ${what}`;
}

/** Why one that can only join has nothing to join. */
export function notServed(path: string): SocketReferenceError {
  return new SocketReferenceError(
    'ERR_SOCKREF_NOT_SERVED',
    `${nobodyServes(path)}; pass \`serve\` or \`server\` to have it served, or start the program that serves it first`,
    { path },
  );
}

/** Why a bare name leads nowhere for one that can only join: it does not make the default directory. */
export function noDefaultDirectory(path: string | undefined, cause: unknown): SocketReferenceError {
  const message = `${nobodyServes(quote(path))}: the default directory does not exist; pass \`serve\` or \`server\` to have it served`;
  return new SocketReferenceError('ERR_SOCKREF_NOT_SERVED', message, { ...(path && { path }), cause });
}

/** Why references end that somebody asked the owner to end, for everybody. */
export function stoppedByForce(path: string): SocketReferenceError {
  const message = `The socket ${path} was stopped by force`;
  return new SocketReferenceError('ERR_SOCKREF_CLOSED', message, { path, reason: 'stopped' });
}

/** Why references end whose directory is not to be found by its path any more. */
export function directoryReplaced(path: string): SocketReferenceError {
  const message = `The directory of ${path} was removed or replaced, and the socket went with it; acquire it again`;
  return new SocketReferenceError('ERR_SOCKREF_CLOSED', message, { path, reason: 'directory-replaced' });
}

/** The `reason` of a server that could not be started because its working directory is gone. */
export const noDirectoryReason = 'directory';

/**
 * Whether a server failed only because the directory of whoever started it is gone. Any other failure would come again with
 * the next one who starts it; from this one another directory helps.
 */
export function isWithoutDirectory(error: unknown): boolean {
  return (
    isSocketReferenceError(error) && error.code === 'ERR_SOCKREF_SERVER_FAILED' && error.reason === noDirectoryReason
  );
}

/** What is told when somebody has changed who may use a file of ours, and it was taken back. */
export function modeChanged(at: string, mode: number, wanted: number): Error {
  const octal = (bits: number): string => bits.toString(8).padStart(4, '0');
  return new Error(
    `The mode of ${quote(at)} was changed to ${octal(mode)}, and was set back to ${octal(wanted)}; ` +
      'have the server leave it alone, and ask for another one by `mode`',
  );
}

/** What is told when a server runs, and nobody can connect to it. */
export function notListening(path: string, pid: number | undefined, problem: string): SocketReferenceError {
  const who = pid === undefined ? '' : ` (pid ${pid})`;
  const message = `The server of ${path}${who} runs, and nobody can connect to it: ${problem}; it is published again when it listens there, else look at its log (sockref logs)`;
  return new SocketReferenceError('ERR_SOCKREF_SERVER_FAILED', message, { path, reason: 'not-listening' });
}

/** Why a member cannot attach to an owner whose messages make no sense to it. */
export function notUnderstood(path: string, what: string, theirs?: number): SocketReferenceError {
  return new SocketReferenceError(
    'ERR_SOCKREF_PROTOCOL',
    `The owner of ${path} cannot be understood: ${what} (this is version ${protocolVersion}); ` +
      'use the same major version of sockref in every program that shares the socket',
    { path, ours: protocolVersion, ...(theirs !== undefined && { theirs }) },
  );
}
