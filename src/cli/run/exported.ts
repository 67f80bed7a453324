import { dirname } from 'node:path';
import { quote } from '../../errors/error.js';
import { UsageError } from '../failure.js';

/** The variable that every command gets. */
const always = 'SOCKREF_PATH';

/** What the name of a variable must be, for messages. */
export const variableForm =
  'the name of a variable such as DB_SOCKET (letters, digits and _), and none of sockref itself (only SOCKREF_PATH_… is free)';

/**
 * Whether a variable may be set for a command. For example, a path in SOCKREF_DIR would mislead each sockref below the
 * command.
 */
export function isVariable(name: string): boolean {
  return /^[A-Za-z_]\w*$/.test(name) && (!name.startsWith('SOCKREF_') || /^SOCKREF_PATH(_|$)/.test(name));
}

/** Collects the values of `--env`. */
export function variables(name: string, before: readonly string[] = []): readonly string[] {
  if (!isVariable(name)) throw new UsageError(`--env must be ${variableForm}, and is ${quote(name)}`);
  return [...before, name];
}

const placeholders = /\{(socket|dir)\}/g;

/**
 * The variables of a command: the path of its socket in SOCKREF_PATH and in each variable that `--env` names, and what
 * the configuration exports. The command line wins.
 */
export function exported(
  socket: string,
  named: readonly string[] = [],
  configured: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const places = { socket, dir: dirname(socket) };
  const texts = Object.entries(configured).map(([name, text]) => [
    name,
    text.replace(placeholders, (_, place: keyof typeof places) => places[place]),
  ]);
  return Object.fromEntries([...texts, ...[always, ...named].map((name) => [name, socket])]);
}
