import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { ownDescriptors } from './platform.js';

/** A descriptor that this process has open. */
export interface OpenDescriptor {
  readonly fd: number;
  /** What it leads to, as /proc names it: a path, `pipe:[8123]`, `anon_inode:[eventpoll]`. */
  readonly target: string;
  /** The flags it was opened with, and `O_CLOEXEC` if it is closed on exec. */
  readonly flags: number;
}

/** `O_CLOEXEC`, which Node has no name for: the same on every architecture that Node runs on. */
const closedOnExec = 0o2000000;

/** Whether a program that is started does not get it. */
export function isClosedOnExec({ flags }: OpenDescriptor): boolean {
  return (flags & closedOnExec) !== 0;
}

/** The descriptors that this process has open, by their numbers; none where the system does not list them. */
export function openDescriptors(): OpenDescriptor[] {
  let names: string[];
  try {
    names = readdirSync(ownDescriptors);
  } catch {
    // No /proc.
    return [];
  }
  const open = names.map((name) => openDescriptor(Number(name))).filter((each) => each !== undefined);
  return open.sort((a, b) => a.fd - b.fd);
}

/** One of them; undefined if the number is free. The one that a list was read by is closed by the time it is looked at. */
export function openDescriptor(fd: number): OpenDescriptor | undefined {
  try {
    const target = readlinkSync(`${ownDescriptors}/${fd}`);
    const [, flags = '0'] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? [];
    return { fd, target, flags: Number.parseInt(flags, 8) };
  } catch {
    return undefined;
  }
}
