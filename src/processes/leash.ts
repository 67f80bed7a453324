import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { serverMark } from '../protocol/constants.js';

/**
 * Socket numbers, pids and start times start again at each boot. A server in a record of an earlier boot does not exist
 * any more.
 */
const boot = readBoot();

/**
 * Names the socket behind a descriptor of another process, so that all processes that inherited it can be found:
 * `socket:[<number>]@<boot>`. Undefined if it is no socket, or where the system does not tell.
 */
export function leashOf(pid: number, fd: number): string | undefined {
  const target = targetOf(pid, fd);
  return target?.startsWith('socket:[') ? `${target}@${boot}` : undefined;
}

/**
 * Whether a process was started with the mark of a server. The mark shows where a process comes from, not that it still
 * belongs to the server: programs that a server starts for others inherit it, too.
 */
export function bearsMark(pid: number, pgid: number): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`.includes(`\0${serverMark}=${pgid}\0`);
  } catch {
    return false;
  }
}

/** Whether a leash was made during this boot of the machine. */
export function isOfThisBoot(leash: string): boolean {
  return leash.endsWith(`]@${boot}`);
}

/** Whether a process has the socket open; false if we are not permitted to look. */
export function holdsLeash(pid: number, leash: string): boolean {
  const socket = leash.slice(0, leash.lastIndexOf('@'));
  return descriptorsOf(pid).some((fd) => targetOf(pid, fd) === socket);
}

function descriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    // The process is gone or belongs to another user. Without /proc there are no leashes.
    return [];
  }
}

function targetOf(pid: number, fd: number | string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return undefined;
  }
}

function readBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}
