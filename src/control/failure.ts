import { SocketReferenceError } from '../errors/error.js';
import { errorFields, type SocketReferenceErrorCode } from '../protocol/errors.js';
import type { Failure } from './messages.js';

/** The error that an owner reported. */
export function failureFrom({ code, message, detail = {} }: Failure, path: string): SocketReferenceError {
  const known = Object.hasOwn(errorFields, code) ? (code as SocketReferenceErrorCode) : 'ERR_SOCKREF_PROTOCOL';
  // Only the fields of this code: a peer must not set any other property of an error, or break one (I8).
  const allowed: readonly string[] = errorFields[known];
  const details = Object.fromEntries(Object.entries(detail).filter(([name]) => allowed.includes(name)));
  return new SocketReferenceError(known, message, { ...details, path });
}
