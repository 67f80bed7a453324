import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Calls with a descriptor of a pipe that has lost its reader. */
export async function withoutReader<Value>(use: (fd: number) => Promise<Value>): Promise<Value> {
  const fifo = join(tmpdir(), `sockref-fifo-${process.pid}-${performance.now()}`);
  execFileSync('mkfifo', [fifo]);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const fd = openSync(fifo, 'w');
  closeSync(reader);
  rmSync(fifo);
  return use(fd).finally(() => closeSync(fd));
}

/** Calls with a descriptor of a device that is always full. */
export async function onFullDisk<Value>(use: (fd: number) => Promise<Value>): Promise<Value> {
  const fd = openSync('/dev/full', 'w');
  return use(fd).finally(() => closeSync(fd));
}
