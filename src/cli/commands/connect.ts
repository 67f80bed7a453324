import type { Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import type { Command } from 'commander';
import { SocketManager } from '../../api/manager.js';
import { systemError } from '../../system-errors.js';
import { duration } from '../duration.js';

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
  try {
    // The end of stdin ends only the writing side: the rest of the answer still comes.
    const socket = await reference.connect({ timeoutMs, allowHalfOpen: true });
    await talk(socket, reference.path);
  } finally {
    await reference.close();
  }
  // A terminal on stdin would keep the process.
  process.exit();
}

async function talk(socket: Socket, path: string): Promise<void> {
  process.stdin.on('error', () => socket.end());
  process.stdin.pipe(socket);
  socket.pipe(process.stdout, { end: false });
  try {
    await finished(socket, { writable: false });
  } catch (error) {
    throw systemError(error, path, `talk to ${path}`);
  } finally {
    process.stdin.unpipe(socket).destroy();
    socket.destroy();
  }
  // What stdout has taken but not passed on yet would be lost by the exit.
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
}
