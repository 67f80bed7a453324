import type { Command } from 'commander';
import { holdDescriptor } from '../../api/descriptor.js';
import { SocketManager } from '../../api/manager.js';
import { duration } from '../duration.js';
import { UsageError } from '../failure.js';
import { tell } from '../output.js';
import { type CommandEnd, endAs, runCommand } from '../run/command.js';

interface Options {
  readonly timeout?: number;
  readonly label?: string;
}

/** `sockref run` */
export function define(command: Command, behindDashes: readonly string[]): void {
  command
    .usage('[options] <name> -- <command> [arguments…]')
    .argument('<name>', 'a name in the default directory, or an absolute path')
    .option('--timeout <duration>', 'how long to wait for the socket (default: 20s)', duration('--timeout'))
    .option('--label <text>', 'a name for this holder, shown by ls and inspect')
    .addHelpText('after', '\nExamples:\n  $ sockref run db.sock -- npm test')
    .action((name: string, options: Options) => run(name, behindDashes, options));
}

async function run(name: string, argv: readonly string[], { timeout, label }: Options): Promise<void> {
  const [program, ...args] = argv;
  if (program === undefined)
    throw new UsageError('run needs a command, behind two dashes: sockref run db.sock -- npm test');
  const reference = await new SocketManager().acquire(name, { timeoutMs: timeout, label });
  // The command may do without it, and its status is what counts.
  const lost = (): void => tell(`${messageOf(reference.signal.reason)}; the command goes on without it`);
  reference.signal.addEventListener('abort', lost);
  const release = (): Promise<void> => {
    reference.signal.removeEventListener('abort', lost);
    return reference.close();
  };
  let end: CommandEnd;
  try {
    end = await runCommand([program, ...args], { SOCKREF_PATH: reference.path }, holdDescriptor(reference));
  } catch (error) {
    await release();
    throw error;
  }
  await release();
  await endAs(end);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
