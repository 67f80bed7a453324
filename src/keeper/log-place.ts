import { homedir } from 'node:os';
import { basename } from 'node:path';
import { joinPath } from '../files/paths.js';
import { systemError } from '../system-errors.js';

/** Where the logs of a socket lie. Each has an older part in a file of the same name with `.1` behind it. */
export interface LogFiles {
  readonly directory: string;
  /** What the server writes to stdout and stderr. */
  readonly output: string;
  /** What the keeper says: lines of JSON. */
  readonly keeper: string;
}

/** Digits that tell sockets of one name in different directories apart. */
const hashDigits = 12;

/**
 * Where the output of a socket's server goes, and the keeper's own lines: in `$XDG_STATE_HOME/sockref`, else in
 * `~/.local/state/sockref`.
 *
 * @param path - the canonical path of the socket
 */
export function logFiles(path: string, env: NodeJS.ProcessEnv = process.env): LogFiles {
  const directory = joinPath(stateHome(path, env), 'sockref');
  // Loaded here, since who joins a socket needs no digest.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const hash = createHash('sha256').update(path).digest('hex').slice(0, hashDigits);
  const stem = joinPath(directory, `${basename(path)}-${hash}`);
  return { directory, output: `${stem}.log`, keeper: `${stem}.keeper.log` };
}

function stateHome(path: string, env: NodeJS.ProcessEnv): string {
  const state = env['XDG_STATE_HOME'];
  // The XDG specification asks that a relative value be ignored.
  if (state?.startsWith('/')) return state;
  const home = env['HOME'];
  try {
    return joinPath(home?.startsWith('/') ? home : homedir(), '.local/state');
  } catch (error) {
    throw systemError(error, path, `find the home directory for the logs of ${path}`);
  }
}
