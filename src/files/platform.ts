import { existsSync } from 'node:fs';
import { SocketReferenceError } from '../errors/error.js';
import { readStat, startField, statFields } from '../processes/proc-stat.js';
import { controlSuffix, maxSocketPathBytesLinux, maxSocketPathBytesMacos } from '../protocol/constants.js';
import { unsupportedRuntime } from '../runtime.js';

/** How many bytes a path in `sockaddr_un` may have, without its terminating zero. */
export const maxSocketPathBytes = process.platform === 'linux' ? maxSocketPathBytesLinux : maxSocketPathBytesMacos;

/** The directory that lists the open descriptors on Linux and leads to their files. */
export const ownDescriptors = '/proc/self/fd';

/** Whether a file can be reached relative to an open directory, through its descriptor. */
export const reachesThroughDescriptors =
  process.platform === 'linux' && isPermitted(`${ownDescriptors}/0/a`) && existsSync(ownDescriptors);

/**
 * How many bytes the path of a data socket may have. Where the control socket can only be reached by its full path,
 * that path must fit too: the system cuts a longer one, and the rest would be the path of the data socket.
 */
export const maxDataPathBytes = maxSocketPathBytes - (reachesThroughDescriptors ? 0 : controlSuffix.length);

/**
 * The user id that the kernel checks our calls against. Read each time, because a daemon may drop its rights after its
 * start.
 */
export function ownUid(): number {
  return process.geteuid?.() ?? -1;
}

/**
 * Node's permission model grants paths by their text: permission for a directory does not cover the way through a
 * descriptor.
 */
function isPermitted(path: string): boolean {
  const permission = process.permission as NodeJS.ProcessPermission | undefined;
  return permission === undefined || (permission.has('fs.read', path) && permission.has('fs.write', path));
}

/** Refuses runtimes and platforms that lack what this library needs. */
export function assertPlatform(): void {
  const unsupported = unsupportedRuntime();
  if (unsupported !== undefined) throw new SocketReferenceError('ERR_SOCKREF_UNSUPPORTED', unsupported);
  if (process.platform !== 'win32') return;
  throw new SocketReferenceError(
    'ERR_SOCKREF_UNSUPPORTED',
    'sockref needs Unix domain sockets with file permissions, which Windows lacks; use Linux or macOS (or WSL)',
  );
}

/**
 * When a process started, in the kernel's ticks. Together with the pid it distinguishes a process from a later one with
 * the same pid. Undefined where the platform does not tell, or if the process is gone.
 */
export function processStart(pid: number | 'self'): string | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : statFields(stat)[startField];
}

/** {@link processStart} of this process, read once. */
export const ownStart: string | undefined = processStart('self');
