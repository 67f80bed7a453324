import type { SocketReferenceError } from '../errors/error.js';
import { protocolVersion } from '../protocol/constants.js';
import { errorFields } from '../protocol/errors.js';
import type { Failure, MalformedMessage } from './messages.js';

// What an owner says last on a control connection.

/** Why a member cannot come, or cannot be understood. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly detail: Readonly<Record<string, string | number>>;
}

/** The answer to a `bye`, or to a `stop`. */
export function farewell(last: boolean, failure: SocketReferenceError | undefined): object {
  return { type: 'bye', last, ...(failure && { failed: failureOf(failure) }) };
}

/** What a member is told of an error that ends its references. */
export function failureMessage(error: SocketReferenceError): object {
  return { type: 'failed', ...failureOf(error) };
}

function failureOf(error: SocketReferenceError): Failure {
  const fields = errorFields[error.code] as readonly (keyof SocketReferenceError)[];
  const detail = Object.fromEntries(
    fields.map((name) => [name, error[name]]).filter(([name, value]) => name !== 'path' && value !== undefined),
  );
  return { code: error.code, message: error.message, detail };
}

/** A peer of another version is told so; to anything else there is nothing to say. */
export function refusal({ theirs }: MalformedMessage): object | undefined {
  if (theirs === undefined) return undefined;
  const message = `The owner (pid ${process.pid}) speaks protocol version ${protocolVersion}, and the member ${theirs}`;
  // `ours` and `theirs` as the member sees them.
  const detail = { ours: theirs, theirs: protocolVersion };
  return { type: 'failed', code: 'ERR_SOCKREF_PROTOCOL', message, detail };
}
