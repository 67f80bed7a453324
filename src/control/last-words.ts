import type { SocketReferenceError } from '../errors/error.js';
import { protocolVersion } from '../protocol/constants.js';
import { errorFields } from '../protocol/errors.js';
import type { Failure, MalformedMessage } from './messages.js';

// The last messages of an owner on a control connection.

/** Why a member is refused, or cannot be understood. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly detail: Readonly<Record<string, string | number>>;
}

/** The answer to a `bye`, or to a `stop`. */
export function byeAnswer(last: boolean, failure: SocketReferenceError | undefined): object {
  return { type: 'bye', last, ...(failure && { failed: failureOf(failure) }) };
}

/** The message about an error that ends a member's references. */
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

/** Tells a peer of another version about that. For any other malformed message there is no answer. */
export function refusal({ theirs }: MalformedMessage): object | undefined {
  if (theirs === undefined) return undefined;
  const message = `The owner (pid ${process.pid}) speaks protocol version ${protocolVersion}, and the member ${theirs}`;
  // `ours` and `theirs` from the member's point of view.
  const detail = { ours: theirs, theirs: protocolVersion };
  return { type: 'failed', code: 'ERR_SOCKREF_PROTOCOL', message, detail };
}
