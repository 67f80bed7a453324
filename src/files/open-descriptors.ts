import { constants, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { lstatIfThere } from './identity.js';
import { ownDescriptors } from './platform.js';

/** `O_CLOEXEC`, for which Node has no constant. It is the same on every architecture that Node runs on. */
const closedOnExec = 0o2000000;

/** The numbers of this process's open descriptors; empty where the system does not list them. */
export function openNumbers(): number[] {
  try {
    return readdirSync(ownDescriptors).map(Number);
  } catch {
    // No /proc.
    return [];
  }
}

/**
 * The target of a descriptor, as /proc names it: a path, `pipe:[8123]`, `anon_inode:[eventpoll]`. Undefined if it is
 * not open.
 */
export function targetOf(fd: number, pid: number | 'self' = 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    // Closed, or of another user.
    return undefined;
  }
}

/** Whether a descriptor is open for reading only. */
export function isReadOnly(fd: number): boolean {
  const mode = Number(lstatIfThere(`${ownDescriptors}/${fd}`)?.mode ?? 0);
  return (mode & (constants.S_IRUSR | constants.S_IWUSR)) === constants.S_IRUSR;
}

/** Whether a program that is started now inherits the descriptor. */
export function isInherited(fd: number): boolean {
  try {
    const [, flags = '0'] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? [];
    return (Number.parseInt(flags, 8) & closedOnExec) === 0;
  } catch {
    // Not open. The descriptor by which the list was read is closed by now.
    return false;
  }
}
