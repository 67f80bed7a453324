import { existsSync, statSync } from 'node:fs';
import { constants, homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { lilconfigSync } from 'lilconfig';
import * as v from 'valibot';
import { closest } from '../../closest.js';
import { messageOf, quote } from '../../errors/error.js';
import { ownUid } from '../../files/platform.js';
import { durationForm, type Least, parseDuration, wrongDuration } from '../duration.js';
import { CliError } from '../failure.js';
import { isVariable, variableForm } from './exported.js';
import { wordsOf } from './words.js';

/** The configuration of one socket. Times are in milliseconds. */
export interface SocketConfig {
  /** The words of the command; run by a shell if the file or the caller says so. */
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
  /** Variables for the command of `run`, which may contain `{socket}` and `{dir}`. */
  readonly export: Readonly<Record<string, string>> | undefined;
}

/** A configuration that does not name the socket. */
export interface OtherConfig {
  readonly kind: 'other';
  readonly file: string;
  /** The names in it, for a message. */
  readonly names: string;
  /** The name that was probably meant. */
  readonly meant: string | undefined;
}

/** What was found about a socket. `ignored` is a file that looks like a configuration, but is not read. */
export type FoundConfig = (
  | { readonly kind: 'named'; readonly config: SocketConfig }
  | OtherConfig
  | { readonly kind: 'none' }
) & {
  readonly ignored: string | undefined;
};

const fileName = 'sockref.config.json';

/** Says what was expected; a message puts "must be" before it. */
const text = (expected: string) => v.string(expected);

const durationSchema = (least: Least) =>
  v.pipe(
    text(durationForm),
    v.check(
      (value) => wrongDuration(value, least) === undefined,
      ({ input }) => wrongDuration(input, least) ?? durationForm,
    ),
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
  linger: v.optional(durationSchema('from 0')),
  timeout: v.optional(durationSchema('above 0')),
  readyTimeout: v.optional(durationSchema('above 0')),
  stopTimeout: v.optional(durationSchema('from 0')),
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
  export: v.optional(
    v.record(v.pipe(v.string(), v.check(isVariable, variableForm)), text('a string'), 'an object of strings'),
  ),
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
 * Finds what `sockref.config.json`, or `"sockref"` in a package.json, says about a socket. The nearest of these files
 * counts, from a directory upwards.
 */
export function findConfig(name: string, from: string): FoundConfig {
  const found = withHome(() =>
    lilconfigSync('sockref', { searchPlaces: [fileName, 'package.json'], loaders: { '.json': parseJson } }).search(
      from,
    ),
  );
  const ignored = unreadable(from, found ? dirname(found.filepath) : undefined);
  if (!found) {
    if (ignored) throw new CliError(notRead(ignored));
    return { kind: 'none', ignored };
  }
  const { filepath: file } = found;
  const { sockets } = check(file, found.isEmpty ? undefined : found.config);
  const socket = Object.hasOwn(sockets, name) ? sockets[name] : undefined;
  if (socket) {
    assertTrusted(file, from);
    return { kind: 'named', config: configOf(file, name, socket), ignored };
  }
  const names = Object.keys(sockets);
  return { kind: 'other', file, names: listed(names), meant: closest(name, names), ignored };
}

/** How many names a message lists. */
const maxListed = 10;

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'no socket';
  const more = names.length > maxListed ? ` and ${names.length - maxListed} more` : '';
  return `${names.slice(0, maxListed).map(quote).join(', ')}${more}`;
}

/**
 * Other tools also read such files, and we do not: what is run must not depend on what a file does when it is loaded.
 */
const otherFiles = ['js', 'mjs', 'cjs', 'ts', 'mts', 'cts', 'yaml', 'yml', 'toml', 'json5', 'jsonc'].map(
  (ending) => `sockref.config.${ending}`,
);

/** Says that a file is not read, and which files are. */
export function notRead(file: string): string {
  return `${file} is not read: sockref reads only JSON, in ${fileName} or under "sockref" in package.json; write it there`;
}

/** The nearest file that looks like a configuration, up to the one that was found, or to the end of the search. */
function unreadable(from: string, end: string | undefined): string | undefined {
  const home = homedirIfAny();
  for (let directory = resolve(from); ; directory = dirname(directory)) {
    const found = otherFiles.map((name) => join(directory, name)).find((file) => existsSync(file));
    if (found || directory === end || directory === home || directory === dirname(directory)) return found;
  }
}

function homedirIfAny(): string | undefined {
  try {
    return homedir();
  } catch {
    // A user without a home: then the search ends at the root.
    return undefined;
  }
}

function configOf(file: string, name: string, socket: v.InferOutput<typeof socketSchema>): SocketConfig {
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

/** The search stops at this user's home. If the system knows none, it goes up to the root. */
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

function withEveryKey({
  activate,
  linger,
  timeout,
  readyTimeout,
  stopTimeout,
  stopSignal,
  restart,
  env,
  mode,
  export: exported,
}: Rest) {
  return { activate, linger, timeout, readyTimeout, stopTimeout, stopSignal, restart, env, mode, export: exported };
}

/** In a directory such as /tmp any user can put a file for the directories below, and this file says what is run. */
function assertTrusted(file: string, from: string): void {
  const { uid } = statSync(file);
  if (uid === 0 || uid === ownUid() || uid === statSync(from).uid) return;
  throw new CliError(
    `${file} belongs to uid ${uid}, and not to you, to root, or to the owner of this directory; sockref does not run what it names: use --serve, or a file that belongs to you`,
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
  const unknown = result.issues.find((each) => each.type === 'strict_object' && each.expected === 'never');
  const issue = result.issues.find((each) => each !== unknown);
  throw new CliError(
    `${file}: ${[unknown && unknownKey(unknown), issue && wrongValue(issue)].filter(Boolean).join('; ')}`,
  );
}

type Issue = v.InferIssue<typeof configSchema>;

function unknownKey({ path }: Issue): string {
  const keys = path?.map(({ key }) => String(key)) ?? [];
  const known = keys.length === 1 ? ['sockets'] : Object.keys(socketSchema.entries);
  const meant = closest(keys.at(-1) ?? '', known);
  const list = keys.length === 1 ? 'here is only "sockets"' : ` socket has ${known.join(', ')}`;
  const [a, t] = meant === undefined ? ['a', 't'] : ['A', 'T'];
  const hint = meant === undefined ? '' : ` did you mean ${quote(meant)}?`;
  return `${keyOf(keys)} is not known;${hint} ${keys.length === 1 ? t : a}${list}`;
}

function wrongValue(issue: Issue): string {
  const keys = issue.path?.map(({ key }) => String(key)) ?? [];
  const where = keys.length === 0 ? 'the configuration' : keyOf(keys);
  if (issue.received === 'undefined') return `${where} is missing`;
  // For the name of a variable, which is a key.
  const received = issue.path?.at(-1)?.origin === 'key' ? quote(keys.at(-1)) : quote(issue.input);
  return `${where} must be ${issue.type === 'strict_object' ? 'an object' : issue.message}, and is ${received}`;
}

/** `sockets["db.sock"].linger` */
function keyOf(keys: readonly string[]): string {
  return keys.map((key, at) => (/^\w+$/.test(key) ? `${at === 0 ? '' : '.'}${key}` : `[${quote(key)}]`)).join('');
}
