import type { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import type { Command } from 'commander';
import { SocketManager } from '../../api/manager.js';
import { errnoOf, systemError } from '../../errors/system.js';
import { duration } from '../duration-option.js';
import { tellUnwritable } from '../output.js';

/** The exit status of a program that SIGPIPE ended. */
const readerLeft = 141;

/** `sockref connect` */
export function define(command: Command): void {
  command
    .argument('<name>', 'a name in the default directory, or an absolute path')
    .option('--timeout <duration>', 'how long to wait for the socket (default: 20s)', duration('--timeout'))
    .option('--label <text>', 'a name for this holder, shown by ls and inspect')
    .addHelpText(
      'after',
      '\nEnds when the server has ended its side, and everything was written to stdout.\n\nExamples:\n  $ sockref connect db.sock\n  $ echo PING | sockref connect db.sock',
    )
    .action(connect);
}

async function connect(name: string, options: { timeout?: number; label?: string }): Promise<void> {
  const timeoutMs = options.timeout;
  const reference = await new SocketManager().acquire(name, { timeoutMs, label: options.label });
  let lost: Error | undefined;
  try {
    // The end of stdin ends only our writing side: the rest of the answer is still read.
    const socket = await reference.connect({ timeoutMs, allowHalfOpen: true });
    lost = await talk(socket, reference.path);
  } finally {
    await reference.close();
  }
  // A terminal on stdin would keep the process alive.
  process.exit(lost ? statusOf(lost) : 0);
}

/**
 * Resolves when the server has ended its side and all of its data was written; to an error if stdout cannot be written.
 */
async function talk(socket: Socket, path: string): Promise<Error | undefined> {
  let lost: Error | undefined;
  process.stdout.on('error', (error) => {
    lost ??= error;
    socket.destroy(error);
  });
  process.stdin.on('error', () => socket.end());
  process.stdin.pipe(socket);
  socket.pipe(process.stdout, { end: false });
  try {
    await finished(socket, { writable: false });
  } catch (error) {
    if (!lost) throw systemError(error, path, `talk to ${path}`);
  } finally {
    process.stdin.unpipe(socket).destroy();
    socket.destroy();
  }
  // The exit would discard what stdout has not yet passed on.
  if (!lost) await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  return lost;
}

/** Unwritten data is lost, and a script must see that in the status. A reader that left needs no message. */
function statusOf(lost: Error): number {
  if (errnoOf(lost) === 'EPIPE') return readerLeft;
  tellUnwritable(lost);
  return 1;
}
