import type { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import type { Command } from 'commander';
import { SocketManager } from '../../api/manager.js';
import { errnoOf, systemError } from '../../errors/system.js';
import { duration } from '../duration-option.js';
import { tellUnwritable } from '../output.js';

/** Exit status as of a program that SIGPIPE has ended. */
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
    // The end of stdin ends only the writing side: the rest of the answer still comes.
    const socket = await reference.connect({ timeoutMs, allowHalfOpen: true });
    lost = await talk(socket, reference.path);
  } finally {
    await reference.close();
  }
  // A terminal on stdin would keep the process.
  process.exit(lost ? statusOf(lost) : 0);
}

/** Resolves when the server has ended its side and all of that was written; to an error if stdout takes no more of it. */
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
  // What stdout has taken but not passed on yet would be lost by the exit.
  if (!lost) await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  return lost;
}

/** What was not read is lost, and a script must see that; but a reader that left needs no message. */
function statusOf(lost: Error): number {
  if (errnoOf(lost) === 'EPIPE') return readerLeft;
  tellUnwritable(lost);
  return 1;
}
