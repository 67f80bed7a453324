import { closest } from '../closest.js';
import { quote, SocketReferenceError } from '../errors/error.js';
import { maxTimerMs } from '../protocol/constants.js';

/** A check of one option. It returns undefined if the value is valid, else what was expected. */
export type Check = (value: unknown) => string | undefined;

const whole = (value: unknown): value is number => Number.isSafeInteger(value);

export const isDuration: Check = (value) =>
  typeof value === 'number' && value >= 0 && value <= maxTimerMs
    ? undefined
    : `a number of milliseconds from 0 to ${maxTimerMs}`;

export const isTimeout: Check = (value) =>
  typeof value === 'number' && value > 0 && value <= maxTimerMs
    ? undefined
    : `a number of milliseconds above 0, up to ${maxTimerMs}`;

export const isLimit: Check = (value) =>
  whole(value) && value >= 1 ? undefined : `a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`;

/** Without read and write permission for the owner, even members could not connect. */
export const isMode: Check = (value) =>
  whole(value) && value >= 0 && value <= 0o777 && (value & 0o600) === 0o600
    ? undefined
    : 'permission bits from 0o600 to 0o777 that let the owner read and write';

export const isBoolean: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false');

/** Recognised by its shape: the AbortSignal of a test runner or a library can be another class than Node's. */
export const isSignal: Check = (value) => {
  const signal = value as Partial<AbortSignal> | null;
  const isOne =
    typeof signal === 'object' &&
    typeof signal?.aborted === 'boolean' &&
    typeof signal.addEventListener === 'function' &&
    typeof signal.removeEventListener === 'function';
  return isOne ? undefined : 'an AbortSignal';
};

export const isRecord: Check = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'an object';

export const isServe: Check = (value) => {
  if (typeof value === 'function') return undefined;
  const server = value as { emit?: unknown; listen?: unknown } | null;
  const isServer =
    typeof server === 'object' && typeof server?.emit === 'function' && typeof server.listen === 'function';
  return isServer ? undefined : 'a function that takes a connection, or a net, http or tls server';
};

export const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string) ? undefined : values.map((each) => `'${each}'`).join(' or ');

export const isText =
  (max: number): Check =>
  (value) =>
    typeof value === 'string' && value.length <= max ? undefined : `a string of at most ${max} characters`;

export const isPathList: Check = (value) =>
  Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string' && each.startsWith('/'))
    ? undefined
    : 'a list of absolute paths with at least one of them';

export const isCount: Check = (value) =>
  whole(value) && value >= 0 ? undefined : `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`;

/** What a command must be, for messages. */
export const expectedCommand = 'a list of strings without NUL bytes that begins with the name of a program';

export const isCommand: Check = (value) =>
  Array.isArray(value) && value[0] && value.every((each) => typeof each === 'string' && !each.includes('\0'))
    ? undefined
    : expectedCommand;

export const isEnvironment: Check = (value) =>
  isRecord(value) === undefined &&
  Object.entries(value as object).every(
    ([name, text]) =>
      name !== '' && !/[=\0]/.test(name) && (text === undefined || (typeof text === 'string' && !text.includes('\0'))),
  )
    ? undefined
    : 'an object of strings, without NUL bytes, by names without "="';

/** Checks an object of options. `undefined` counts as not given. An unknown option is refused, never ignored. */
export function checkOptions(given: unknown, checks: Readonly<Record<string, Check>>, prefix = ''): void {
  if (given === undefined) return;
  const notRecord = isRecord(given);
  if (notRecord) throw invalidOption(prefix === '' ? 'options' : prefix.slice(0, -1), notRecord, given);
  for (const [name, value] of Object.entries(given as object)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (!check) throw unknownOption(prefix, name, Object.keys(checks), value);
    const expected = value === undefined ? undefined : check(value);
    if (expected) throw invalidOption(`${prefix}${name}`, expected, value);
  }
}

/** The error for a command with an unknown word in braces. */
export function misspeltCommand({ given, meant }: { given: string; meant: string }): SocketReferenceError {
  const [expected, received] = [`a command with ${meant}`, `one with ${given}, which stands for nothing`];
  return new SocketReferenceError(
    'ERR_SOCKREF_INVALID_OPTION',
    `The option "server.command" must be ${expected}, and is ${received}`,
    { option: 'server.command', expected, received },
  );
}

/** The error for a required option that was not given. */
export function missingOption(option: string, expected: string): SocketReferenceError {
  return new SocketReferenceError(
    'ERR_SOCKREF_INVALID_OPTION',
    `The option ${quote(option)} is missing: it must be ${expected}`,
    { option, expected, received: quote(undefined) },
  );
}

/** The error for options that exclude each other. */
export function conflictingOptions(option: string, other: string, why: string): SocketReferenceError {
  const expected = `left out together with ${quote(other)}`;
  return new SocketReferenceError(
    'ERR_SOCKREF_INVALID_OPTION',
    `The options ${quote(option)} and ${quote(other)} exclude each other: ${why}`,
    { option, expected, received: 'both' },
  );
}

function unknownOption(prefix: string, name: string, known: readonly string[], value: unknown): SocketReferenceError {
  const option = `${prefix}${name}`;
  const meant = closest(name, known);
  const list = known.join(', ');
  const hint = meant === undefined ? 'the' : `did you mean ${quote(`${prefix}${meant}`)}? The`;
  const whose = prefix === '' ? 'options' : `options of ${quote(prefix.slice(0, -1))}`;
  return new SocketReferenceError(
    'ERR_SOCKREF_INVALID_OPTION',
    `Unknown option ${quote(option)}; ${hint} ${whose} are ${list}`,
    { option, expected: `one of: ${list}`, received: quote(value) },
  );
}

function invalidOption(option: string, expected: string, value: unknown): SocketReferenceError {
  const received = quote(value);
  return new SocketReferenceError(
    'ERR_SOCKREF_INVALID_OPTION',
    `The option ${quote(option)} must be ${expected}, and is ${received}`,
    { option, expected, received },
  );
}
