import { statSync } from 'node:fs';
import { constants, homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { lilconfigSync } from 'lilconfig';
import * as v from 'valibot';
import { messageOf, quote } from '../../errors.js';
import { ownUid } from '../../files/platform.js';
import { durationForm, parseDuration } from '../duration.js';
import { CliError } from '../failure.js';
import { wordsOf } from './words.js';

/** What the configuration says about one socket. Times are in milliseconds. */
export interface SocketConfig {
  /** The words of the command; in a shell if the file, or the caller, says so. */
  command(shell: boolean | undefined): readonly string[];
  readonly activate: boolean | undefined;
  readonly linger: number | undefined;
  readonly timeout: number | undefined;
  readonly readyTimeout: number | undefined;
  readonly stopTimeout: number | undefined;
  readonly stopSignal: NodeJS.Signals | undefined;
  readonly restart: number | undefined;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>> | undefined;
  readonly mode: number | undefined;
}

const fileName = 'sockref.config.json';

/** Says what was expected, for a message that puts "must be" before it. */
const text = (expected: string) => v.string(expected);

const durationSchema = v.pipe(
  text(durationForm),
  v.check((value) => parseDuration(value) !== undefined, durationForm),
  v.transform((value) => parseDuration(value) ?? 0),
);
const flagSchema = v.boolean('true or false');
const modeForm = 'permission bits as octal digits that let you read and write, such as "660"';
const commandForm = 'a command: a string, or a list of strings with at least one of them';
const signalForm = 'the name of a signal, such as "SIGINT"';
const restartForm = 'a whole number of restarts in a row, from 0 on';

const socketSchema = v.strictObject({
  serve: v.union(
    [v.pipe(v.string(), v.nonEmpty(commandForm)), v.pipe(v.array(v.string()), v.minLength(1, commandForm))],
    commandForm,
  ),
  shell: v.optional(flagSchema),
  activate: v.optional(flagSchema),
  linger: v.optional(durationSchema),
  timeout: v.optional(durationSchema),
  readyTimeout: v.optional(durationSchema),
  stopTimeout: v.optional(durationSchema),
  stopSignal: v.optional(
    v.pipe(
      text(signalForm),
      v.check((name) => Object.hasOwn(constants.signals, name), signalForm),
      v.transform((name) => name as NodeJS.Signals),
    ),
  ),
  restart: v.optional(v.pipe(v.number(restartForm), v.safeInteger(restartForm), v.minValue(0, restartForm))),
  cwd: v.optional(text('a directory, as a string')),
  env: v.optional(v.record(v.string(), text('a string'), 'an object of strings')),
  mode: v.optional(
    v.pipe(
      text(modeForm),
      v.regex(/^0?[67][0-7]{2}$/, modeForm),
      v.transform((digits) => Number.parseInt(digits, 8)),
    ),
  ),
});
const configSchema = v.strictObject({
  sockets: v.record(v.string(), socketSchema, 'an object, one key for each socket'),
});

/**
 * What `sockref.config.json`, or `"sockref"` in a package.json, says about a socket; the nearest of these files counts, from a
 * directory upwards.
 */
export function findConfig(name: string, from: string): SocketConfig | undefined {
  const found = withHome(() =>
    lilconfigSync('sockref', { searchPlaces: [fileName, 'package.json'], loaders: { '.json': parseJson } }).search(
      from,
    ),
  );
  if (!found) return undefined;
  const { filepath: file } = found;
  const { sockets } = check(file, found.isEmpty ? undefined : found.config);
  const socket = Object.hasOwn(sockets, name) ? sockets[name] : undefined;
  if (!socket) return undefined;
  assertTrusted(file, from);
  const { serve, shell, cwd, ...rest } = socket;
  const keyOfServe = `${file}: ${keyOf(['sockets', name, 'serve'])}`;
  return {
    ...withEveryKey(rest),
    command: (wanted) => {
      const inShell = wanted ?? shell ?? false;
      if (typeof serve === 'string') return wordsOf(serve, inShell, keyOfServe);
      if (inShell) throw new CliError(`${keyOfServe} must be a string for a shell, and is a list`);
      return serve;
    },
    cwd: resolve(dirname(file), cwd ?? '.'),
  };
}

/** The search asks for this user's home, at which it stops, even if the system knows none: then it goes up to the root. */
function withHome<Value>(search: () => Value): Value {
  try {
    homedir();
  } catch {
    process.env['HOME'] = '/';
    try {
      return search();
    } finally {
      delete process.env['HOME'];
    }
  }
  return search();
}

type Rest = Omit<v.InferOutput<typeof socketSchema>, 'serve' | 'shell' | 'cwd'>;

function withEveryKey({ activate, linger, timeout, readyTimeout, stopTimeout, stopSignal, restart, env, mode }: Rest) {
  return { activate, linger, timeout, readyTimeout, stopTimeout, stopSignal, restart, env, mode };
}

/** In a directory such as /tmp anybody can leave a file for those below it, and this one says what is to be run. */
function assertTrusted(file: string, from: string): void {
  const { uid } = statSync(file);
  if (uid === 0 || uid === ownUid() || uid === statSync(from).uid) return;
  throw new CliError(
    `${file} belongs to uid ${uid}, neither to you, nor to root, nor to whom this directory belongs; what it names is not run: use --serve, or a file of your own`,
  );
}

function parseJson(file: string, content: string): unknown {
  try {
    return JSON.parse(content);
  } catch (error) {
    throw new CliError(`${file} is not JSON: ${messageOf(error)}`);
  }
}

function check(file: string, config: unknown): v.InferOutput<typeof configSchema> {
  const result = v.safeParse(configSchema, config);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const keys = issue.path?.map(({ key }) => String(key)) ?? [];
  const where = keys.length === 0 ? 'the configuration' : keyOf(keys);
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    throw new CliError(`${file}: ${where} is not known; ${known(keys)}`);
  }
  const received = issue.received === 'undefined' ? 'missing' : quote(issue.input);
  const expected =
    issue.type === 'strict_object' ? (issue.received === 'undefined' ? 'there' : 'an object') : issue.message;
  throw new CliError(`${file}: ${where} must be ${expected}, and is ${received}`);
}

function known(keys: readonly string[]): string {
  if (keys.length === 1) return 'there is only "sockets"';
  return `a socket has ${Object.keys(socketSchema.entries).join(', ')}`;
}

/** `sockets["db.sock"].linger` */
function keyOf(keys: readonly string[]): string {
  return keys.map((key, at) => (/^\w+$/.test(key) ? `${at === 0 ? '' : '.'}${key}` : `[${quote(key)}]`)).join('');
}
