import { SocketReferenceError } from '../errors/error.js';

/** The error for using a reference that its user closed. */
export function closedByUser(path: string): SocketReferenceError {
  const message = `This reference to ${path} was closed; acquire a new one`;
  return new SocketReferenceError('ERR_SOCKREF_CLOSED', message, { path, reason: 'closed' });
}

/** The error for using references that were cleaned up by force. */
export function cleanedUpByForce(path: string): SocketReferenceError {
  const message = `The references of this process to ${path} were cleaned up`;
  return new SocketReferenceError('ERR_SOCKREF_CLOSED', message, { path, reason: 'cleaned-up' });
}

/** The error when the limit of references is reached. */
export function tooManyReferences(path: string, max: number): SocketReferenceError {
  const limit = 'maxReferencesPerSocket';
  const message = `${path} has ${max} references, and ${limit} allows no more; close some, or raise the limit`;
  return new SocketReferenceError('ERR_SOCKREF_LIMIT_EXCEEDED', message, { path, limit, max });
}

/** The error of references whose owner was lost and not replaced in time. */
export function ownerLost(
  path: string,
  cause: 'owner-died' | 'deposed',
  timeoutMs: number,
  waitingFor: string,
): SocketReferenceError {
  const why = cause === 'deposed' ? 'this process was deposed as its owner' : 'its owner died';
  const message =
    `The references to ${path} are lost: ${why}, and after ${timeoutMs} ms (failoverTimeoutMs) it was still waiting ` +
    `for ${waitingFor}; acquire it again, and pass \`serve\` or \`server\` so that this process can take over`;
  return new SocketReferenceError('ERR_SOCKREF_OWNER_LOST', message, { path, timeoutMs });
}
