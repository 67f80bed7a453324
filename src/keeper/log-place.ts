import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';

/** Characters of the digest in a name: two sockets of one name must not meet in one log. */
const digestLength = 12;

/** The files of a socket's logs. */
export interface LogFiles {
  readonly directory: string;
  /** What its server writes. */
  readonly output: string;
  /** What its keeper tells: JSON lines. */
  readonly keeper: string;
}

/** Where the logs of a socket are: `$XDG_STATE_HOME/sockref`, else `~/.local/state/sockref`. */
export function logFiles(path: string, env: NodeJS.ProcessEnv = process.env): LogFiles {
  const state = env['XDG_STATE_HOME'];
  // The XDG specification asks that a relative value be ignored.
  const directory = join(state?.startsWith('/') ? state : join(homedir(), '.local', 'state'), 'sockref');
  const digest = createHash('sha256').update(path).digest('hex').slice(0, digestLength);
  const name = `${basename(path)}-${digest}`;
  return { directory, output: join(directory, `${name}.log`), keeper: join(directory, `${name}.keeper.log`) };
}
