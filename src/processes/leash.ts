import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { serverMark } from '../protocol/constants.js';

/**
 * Numbers of sockets begin anew with each boot of the machine, as pids and start times do: what a record of an earlier
 * boot names is nobody.
 */
const boot = readBoot();

/**
 * Names the socket behind a descriptor of another process, so that all who inherited it can be found:
 * `socket:[<number>]@<boot>`. Undefined if it is no socket, or where the system does not tell.
 */
export function leashOf(pid: number, fd: number): string | undefined {
  const target = targetOf(pid, fd);
  return target?.startsWith('socket:[') ? `${target}@${boot}` : undefined;
}

/**
 * Whether a process was started with the mark of a server. That says where it comes from, not that it still belongs there:
 * whatever a server starts for others has inherited it, too.
 */
export function bearsMark(pid: number, pgid: number): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`.includes(`\0${serverMark}=${pgid}\0`);
  } catch {
    return false;
  }
}

/** Whether a leash is one of this boot of the machine. */
export function isOfThisBoot(leash: string): boolean {
  return leash.endsWith(`]@${boot}`);
}

/** Whether a process has the socket open; false if we may not look. */
export function holdsLeash(pid: number, leash: string): boolean {
  const socket = leash.slice(0, leash.lastIndexOf('@'));
  return descriptorsOf(pid).some((fd) => targetOf(pid, fd) === socket);
}

function descriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    // It is gone, or somebody else's; without /proc there are no leashes.
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
