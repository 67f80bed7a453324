import { printable } from '../printable.js';
import { maxQuotedLength } from '../protocol/constants.js';
import type { ErrorFields, SocketReferenceErrorCode } from '../protocol/errors.js';

/** The properties of an error besides its code and message. docs/errors.md lists the fields of each code. */
export interface SocketReferenceErrorDetails extends ErrorFields {
  /** The error that caused this one. */
  readonly cause?: unknown;
}

const brand: unique symbol = Symbol.for('sockref.SocketReferenceError') as never;

/**
 * The only class of errors that sockref throws. Distinguish them by `code`.
 *
 * @example
 * ```ts
 * try {
 *   await acquire('db.sock');
 * } catch (error) {
 *   if (isSocketReferenceError(error) && error.code === 'ERR_SOCKREF_NOT_SERVED') startIt();
 *   else throw error;
 * }
 * ```
 */
export class SocketReferenceError extends Error {
  /** A stable code; see docs/errors.md. */
  readonly code: SocketReferenceErrorCode;
  declare readonly path?: string;
  declare readonly reason?: string;
  declare readonly option?: string;
  declare readonly expected?: string;
  declare readonly received?: string;
  declare readonly limit?: string;
  declare readonly max?: number;
  declare readonly length?: number;
  declare readonly directory?: string;
  declare readonly uid?: number;
  declare readonly mode?: number;
  declare readonly found?: string;
  declare readonly pid?: number;
  declare readonly timeoutMs?: number;
  declare readonly waitingFor?: string;
  declare readonly errno?: string;
  declare readonly syscall?: string;
  declare readonly exitCode?: number;
  declare readonly stderr?: string;
  declare readonly ours?: number;
  declare readonly theirs?: number;

  /**
   * @param code - one of the codes of docs/errors.md
   * @param message - what went wrong and what to do
   * @param details - the fields that the code carries
   */
  constructor(code: SocketReferenceErrorCode, message: string, details: SocketReferenceErrorDetails = {}) {
    const { cause, ...fields } = details;
    // A path or label in the message must not add a line, or anything that a terminal obeys.
    super(printable(message), cause === undefined ? undefined : { cause });
    this.code = code;
    Object.assign(this, fields);
  }

  static {
    Object.defineProperty(SocketReferenceError.prototype, 'name', { value: 'SocketReferenceError' });
    // A brand instead of instanceof, because two copies of the package have two classes.
    Object.defineProperty(SocketReferenceError.prototype, brand, { value: true });
  }
}

/**
 * Tells whether a value is an error of sockref, from this or any other copy of the package.
 *
 * @example
 * ```ts
 * if (isSocketReferenceError(error)) console.error(error.code);
 * ```
 */
export function isSocketReferenceError(value: unknown): value is SocketReferenceError {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true;
}

/** Shows any value in a message: escaped, shortened and on one line. */
export function quote(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  if (typeof value === 'string') return quoteText(value);
  const text = typeof value === 'bigint' ? `${value}n` : String(value);
  return text.length > maxQuotedLength ? `${text.slice(0, maxQuotedLength)}…` : text;
}

/** The ellipsis inside the quotes shows that the value was cut. */
function quoteText(value: string): string {
  const text = printable(JSON.stringify(value));
  return text.length > maxQuotedLength ? `${text.slice(0, maxQuotedLength)}…"` : text;
}

/**
 * The message of a thrown value. It is read by its shape: in a test runner or a `node:vm` context the errors of Node
 * belong to another `Error` class, which `instanceof` does not recognise.
 */
export function messageOf(error: unknown): string {
  const message = (error as { message?: unknown } | null | undefined)?.message;
  return typeof message === 'string' ? message : String(error);
}

/** The stack of a thrown value, or its message if it has none. */
export function stackOf(error: unknown): string {
  const stack = (error as { stack?: unknown } | null | undefined)?.stack;
  return typeof stack === 'string' ? stack : messageOf(error);
}

/** The error that Node's own APIs reject with when a signal aborts them. */
export function abortError(signal: AbortSignal): DOMException {
  const options = { name: 'AbortError', cause: signal.reason };
  return new DOMException('The operation was aborted', options as unknown as string);
}
