import type { Command } from 'commander';
import type { SocketInfo } from '../../api/info.js';
import { infoOf } from '../../api/info-of.js';
import { locate, openPlace } from '../../api/locate.js';
import { noAnswer } from '../../api/stop.js';
import { query } from '../../control/inspect.js';
import { requestStop } from '../../control/stop.js';
import type { Place } from '../../files/place.js';
import { stopAnswerMs, stopPauseMs } from '../../protocol/constants.js';
import { asGiven } from '../duration.js';
import { duration } from '../duration-option.js';
import { CliError } from '../failure.js';
import { plural, tell } from '../output.js';

interface Options {
  readonly force?: true;
  readonly timeout?: number;
}

/** `sockref stop` */
export function define(command: Command): void {
  command
    .argument('<name>', 'a name in the default directory, or an absolute path')
    .option('--force', 'end it now, for all its holders')
    .option('--timeout <duration>', 'how long to wait for the end (default: for ever)', duration('--timeout', 'from 0'))
    .addHelpText(
      'after',
      '\nWithout --force it ends with its last reference, without lingering; the command waits for that.\n' +
        '\nExamples:\n  $ sockref stop db.sock\n  $ sockref stop db.sock --force',
    )
    .action(stop);
}

async function stop(name: string, { force, timeout }: Options): Promise<void> {
  const place = openPlace(locate(name, false, undefined));
  const deadline = timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout;
  let said = false;
  try {
    for (let first = true; ; first = false) {
      const info = infoOf(place.path, await query(place, stopAnswerMs));
      if (!info || info.state === 'stale') return ended(place, info, first);
      if (info.state === 'unresponsive') throw noAnswer(place, info.owner?.pid);
      if (!force && !said && info.references) {
        tell(`waiting until ${place.path} is unused: ${holdersOf(info)}; --force ends it now`);
        said = true;
      }
      if ((await requestStop(place, force === true, left(deadline))) === 'stopped') return;
      if (left(deadline) === 0) throw notInTime(place, timeout ?? 0, info);
      // It is starting or ending, or another owner has taken over. Look again.
      await new Promise((resolve) => setTimeout(resolve, Math.min(stopPauseMs, left(deadline))));
    }
  } finally {
    place.directory.release();
  }
}

function left(deadline: number): number {
  return Math.max(0, deadline - performance.now());
}

/** The socket to stop is not served, which is what the user wants. */
function ended({ path }: Place, info: SocketInfo | undefined, first: boolean): void {
  if (info) tell(`no process serves ${path}, but a dead owner's files are there; sockref doctor --fix removes them`);
  else if (first) tell(`no process serves ${path}; there is nothing to stop`);
}

function holdersOf({ references, owner, members, moreMembers }: SocketInfo): string {
  const holders = [...(owner?.references ? [owner] : []), ...members];
  const pids = holders.slice(0, 5).map(({ pid }) => pid);
  const more = holders.length - pids.length + moreMembers;
  const who = `pid ${pids.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return `${plural(references ?? 0, 'reference')}, held by ${who}`;
}

function notInTime({ path }: Place, timeoutMs: number, info: SocketInfo): CliError {
  return new CliError(`${path} did not end within ${asGiven(timeoutMs)}: ${holdersOf(info)}; --force ends it now`);
}
