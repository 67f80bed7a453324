import { isatty } from 'node:tty';
import type { Command } from 'commander';
import type { SocketInfo } from '../../api/info.js';
import { SocketManager } from '../../api/manager.js';
import type { AcquireOptions } from '../../api/options.js';
import type { SocketReference } from '../../api/reference.js';
import { systemClock } from '../../clock.js';
import { printable } from '../../printable.js';
import { duration } from '../duration-option.js';
import { described, UsageError } from '../failure.js';
import { tell } from '../output.js';
import { markedDescriptors } from '../run/callers-descriptors.js';
import { type CommandEnd, endAs, runCommand } from '../run/command.js';
import { type CommandDescriptor, openForCommand } from '../run/command-descriptor.js';
import { exported, variables } from '../run/exported.js';
import { interruptible } from '../run/interruptible.js';
import { Progress } from '../run/progress.js';
import { notNamed, type RunOptions, settingsFor } from '../run/settings.js';
import { joinedAs, waitingFor } from '../run/waiting.js';

/** `sockref run` */
export function define(command: Command, behindDashes: readonly string[]): void {
  command
    .usage('[options] <name> -- <command> [arguments…]')
    .argument('<name>', 'a name in the default directory, or an absolute path')
    .option('--serve <command>', 'the server to start if the socket is not served; {socket} is where it must listen')
    .option('--shell', 'have --serve run by sh -c, instead of splitting it into words')
    .option('--activate', 'pass the server a listening socket as descriptor 3 (LISTEN_FDS), as systemd does')
    .option(
      '--linger <duration>',
      'how long the server stays after its last reference (default: 0)',
      duration('--linger', 'from 0'),
    )
    .option('--timeout <duration>', 'how long to wait for the socket (default: 20s)', duration('--timeout'))
    .option(
      '--ready-timeout <duration>',
      'how long the server may take to be ready (default: 15s)',
      duration('--ready-timeout'),
    )
    .option(
      '--stop-timeout <duration>',
      'how long the server may take to end before SIGKILL (default: 5s)',
      duration('--stop-timeout', 'from 0'),
    )
    .option('--env <name>', 'another variable that tells the command the path; may be repeated', variables)
    .option('--label <text>', 'a name for this holder, shown by ls and inspect')
    .option('--quiet', 'do not show what it waits for')
    .addHelpText('after', help)
    .action((name: string, options: RunOptions) => run(name, behindDashes, options));
}

const help = `
The command finds the path of the socket in SOCKREF_PATH, and in each variable that --env names. The exit status
is the command's; 125 if sockref failed, 126 if the command cannot be executed, 127 if it is not found.
Without --serve, sockref.config.json or "sockref" in package.json may name the server.
Durations have a unit, as in 500ms, 30s, 2m.

Examples:
  $ sockref run db.sock --serve 'redis-server --port 0 --unixsocket {socket}' -- npm test
  $ sockref run web.sock --serve 'python3 server.py' --activate --linger 1m -- sh -c 'curl --unix-socket "$SOCKREF_PATH" http://web/'
  $ sockref run db.sock -- sh -c 'redis-cli -s "$SOCKREF_PATH" PING'`;

async function run(name: string, argv: readonly string[], options: RunOptions): Promise<void> {
  const [program, ...args] = argv;
  if (program === undefined) {
    throw new UsageError('run needs a command after two dashes: sockref run db.sock -- npm test');
  }
  // Before this process opens anything that stays open.
  const callers = markedDescriptors();
  const settings = await settingsFor(name, options);
  const manager = new SocketManager();
  const told = new Set<unknown>();
  const tellOnce = (error: unknown): void => {
    if (told.has(error)) return;
    told.add(error);
    tell(described(error, 'run').message);
  };
  manager.on('fault', ({ error }) => tellOnce(error));
  const progress = options.quiet || !isTerminal() ? undefined : new Progress(process.stderr, systemClock);
  const prepared = prepare(manager, name, settings.acquire, progress, tellOnce);
  const { reference, descriptor } = await prepared.catch((error: unknown) => {
    throw notNamed(error, name, settings.config) ?? error;
  });
  // The command may not need the socket any more, and its status is what counts.
  const lost = (): void => tellLoss(reference.signal.reason);
  if (reference.signal.aborted) lost();
  else reference.signal.addEventListener('abort', lost);
  const release = async (): Promise<void> => {
    reference.signal.removeEventListener('abort', lost);
    progress?.start(async () => `sockref: stopping ${printable(name)}`);
    try {
      await reference.close();
    } catch (error) {
      // The status stays that of the command.
      progress?.stop();
      tellOnce(error);
    } finally {
      progress?.stop();
    }
  };
  const environment = exported(reference.path, options.env, settings.export);
  let end: CommandEnd;
  try {
    end = await runCommand([program, ...args], { env: environment, callers, descriptor });
  } catch (error) {
    await release();
    throw error;
  }
  await release();
  await endAs(end);
}

/** Whether a line on stderr can be erased. */
function isTerminal(): boolean {
  return isatty(2) && process.env['TERM'] !== 'dumb';
}

/** What a command needs before it starts. */
interface Prepared {
  readonly reference: SocketReference;
  readonly descriptor: CommandDescriptor;
}

/** Acquires the socket for a command. A signal ends it, and what it has begun, until the command gets the signals. */
async function prepare(
  manager: SocketManager,
  name: string,
  options: AcquireOptions,
  progress: Progress | undefined,
  tellOnce: (error: unknown) => void,
): Promise<Prepared> {
  // If this look fails, the acquire fails for the same reason.
  const look = (): Promise<SocketInfo | undefined> => manager.inspect(name).catch(() => undefined);
  progress?.start(async () => waitingFor(name, await look()));
  const began = Date.now();
  const acquire = async (signal: AbortSignal): Promise<Prepared> => {
    let shown = false;
    let reference: SocketReference;
    try {
      reference = await manager.acquire(name, { ...options, signal });
    } finally {
      shown = progress?.stop() ?? false;
    }
    const info = shown ? await look() : undefined;
    if (info) tell(joinedAs(name, process.pid, info, began));
    try {
      return { reference, descriptor: await openForCommand(reference, name) };
    } catch (error) {
      await reference.close().catch(tellOnce);
      throw error;
    }
  };
  return interruptible(acquire, () => {
    progress?.stop();
    return manager.close();
  });
}

function tellLoss(reason: unknown): void {
  const { message, lines } = described(reason, 'run');
  tell(`${message}; the command continues without it`, lines);
}
