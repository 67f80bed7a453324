import { existsSync } from 'node:fs';
import { SocketReferenceError } from '../errors/error.js';
import { readStat, startField, statFields } from '../processes/proc-stat.js';
import { controlSuffix, maxSocketPathBytesLinux, maxSocketPathBytesMacos } from '../protocol/constants.js';
import { unsupportedRuntime } from '../runtime.js';

/** Bytes that a path in `sockaddr_un` may have, without its terminating zero. */
export const maxSocketPathBytes = process.platform === 'linux' ? maxSocketPathBytesLinux : maxSocketPathBytesMacos;

/** What lists the open descriptors on Linux, and leads through each of them. */
export const ownDescriptors = '/proc/self/fd';

/** Whether a file can be reached relative to an open directory, by way of its descriptor. */
export const reachesThroughDescriptors =
  process.platform === 'linux' && isPermitted(`${ownDescriptors}/0/a`) && existsSync(ownDescriptors);

/**
 * Bytes that the path of a data socket may have. Where the control socket beside it can only be reached by its own full
 * path, that must fit too: the system cuts off what does not, and what is left would be the path of the data socket.
 */
export const maxDataPathBytes = maxSocketPathBytes - (reachesThroughDescriptors ? 0 : controlSuffix.length);

/** The user that the kernel checks our calls against. Asked each time: a daemon may give up its rights after it has begun. */
export function ownUid(): number {
  return process.geteuid?.() ?? -1;
}

/** Node's permission model grants paths by their letters: with a directory it does not grant the way by its descriptor. */
function isPermitted(path: string): boolean {
  const permission = process.permission as NodeJS.ProcessPermission | undefined;
  return permission === undefined || (permission.has('fs.read', path) && permission.has('fs.write', path));
}

/** Refuses runtimes and platforms that lack what everything here stands on. */
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
 * When a process began, in the kernel's own ticks: together with the pid it tells a process from a later one with
 * the same number. Undefined where the platform does not say, or when the process is gone.
 */
export function processStart(pid: number | 'self'): string | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : statFields(stat)[startField];
}

/** {@link processStart} of this process, read once. */
export const ownStart: string | undefined = processStart('self');
