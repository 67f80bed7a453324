import { homedir } from 'node:os';
import { basename } from 'node:path';
import { SocketReferenceError } from '../errors/error.js';
import { joinPath } from '../files/paths.js';
import type { LogHome } from './log-file.js';

/** Where the logs of a socket are. Each has an older part, in a file with the same name and `.1` after it. */
export interface LogFiles {
  /** The directory below which the logs are kept. */
  readonly home: LogHome;
  /** The directory of the logs, relative to that. */
  readonly below: string;
  readonly directory: string;
  /** The name of the file with the server's stdout and stderr. */
  readonly outputName: string;
  /** The name of the file with the keeper's own log: lines of JSON. */
  readonly keeperName: string;
  /** The paths of both. */
  readonly output: string;
  readonly keeper: string;
}

/** How many digits distinguish sockets with the same name in different directories. */
const hashDigits = 12;

/**
 * Where the logs of a socket's server and of its keeper are: in `$XDG_STATE_HOME/sockref`, else in
 * `~/.local/state/sockref`.
 *
 * @param path - the canonical path of the socket
 * @throws SocketReferenceError if this user has no home
 */
export function logFiles(path: string, env: NodeJS.ProcessEnv = process.env): LogFiles {
  const { home, below } = stateHome(path, env);
  const directory = joinPath(home.path, below);
  // Loaded here, because joining a socket needs no digest.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const hash = createHash('sha256').update(path).digest('hex').slice(0, hashDigits);
  const stem = `${basename(path)}-${hash}`;
  const [outputName, keeperName] = [`${stem}.log`, `${stem}.keeper.log`];
  return {
    home,
    below,
    directory,
    outputName,
    keeperName,
    output: joinPath(directory, outputName),
    keeper: joinPath(directory, keeperName),
  };
}

function stateHome(path: string, env: NodeJS.ProcessEnv): Pick<LogFiles, 'home' | 'below'> {
  const state = env['XDG_STATE_HOME'];
  // The XDG specification says that a relative value must be ignored, and that a missing directory is created.
  if (state?.startsWith('/')) return { home: { path: state.replace(/(?<=.)\/+$/, ''), make: true }, below: 'sockref' };
  const home = env['HOME'];
  return { home: { path: home?.startsWith('/') ? home : ownHome(path), make: false }, below: '.local/state/sockref' };
}

/** The home directory of this user in the system's user database. */
function ownHome(path: string): string {
  try {
    return homedir();
  } catch (error) {
    throw new SocketReferenceError(
      'ERR_SOCKREF_SYSTEM',
      `There is no place for the logs of ${path}: HOME is not set, and the system knows no home of this user; set XDG_STATE_HOME to a directory of yours`,
      { path, cause: error },
    );
  }
}
