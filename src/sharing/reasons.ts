import { isSocketReferenceError, SocketReferenceError } from '../errors.js';

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
