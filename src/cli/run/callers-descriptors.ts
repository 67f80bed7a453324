import { readdirSync, readFileSync } from 'node:fs';
import { lstatIfThere } from '../../files/identity.js';
import { isInherited, isReadOnly, targetOf } from '../../files/open-descriptors.js';
import { ownDescriptors } from '../../files/platform.js';

/** The first descriptor after stdin, stdout and stderr. */
const first = 3;

/**
 * At its start, Node marks inherited descriptors as closed on exec: all up to this number, and further ones up to the
 * first free number. At inherited numbers that were free, Node may have opened its own descriptors by the time that we
 * look.
 */
const lastMarked = 16;

/** Descriptors that only an event loop has. One of these may be Node's or the caller's; it is not passed on. */
const loops = ['anon_inode:[eventpoll]', 'anon_inode:[eventfd]', 'anon_inode:[io_uring]'];

/**
 * The caller's descriptors among those that Node has marked: a program gets them only if they are passed explicitly. It
 * gets the unmarked ones in any case. Call it before this process opens anything that stays open. Empty where there is
 * no /proc.
 */
export function markedDescriptors(): readonly number[] {
  const targets = new Map<number, string>();
  for (let fd = first; ; fd++) {
    const target = targetOf(fd);
    if (target !== undefined) targets.set(fd, target);
    else if (fd > lastMarked) break;
  }
  const own = ownOf(targets);
  const isCallers = (fd: number): boolean => targets.has(fd) && !own.has(fd);
  const found = [...targets.keys()].filter((fd) => fd <= lastMarked && isCallers(fd));
  // Node marks on while the numbers are contiguous.
  for (let fd = lastMarked + 1; isCallers(fd - 1) && isCallers(fd); fd++) if (!isInherited(fd)) found.push(fd);
  return found;
}

/**
 * Node's own descriptors: those of its event loops; the pipes of which this process has both ends, unless its parent
 * has them too (as `make` has its jobserver's); and the spare one of /dev/null that it keeps for when no descriptors
 * are left.
 */
function ownOf(targets: ReadonlyMap<number, string>): ReadonlySet<number> {
  const ends = new Map<string, number[]>();
  for (const [fd, target] of targets)
    if (target.startsWith('pipe:')) ends.set(target, [...(ends.get(target) ?? []), fd]);
  const ofParent = parentsTargets();
  const pipes = [...ends].filter(([target, fds]) => isPair(fds) && !ofParent.has(target)).flatMap(([, fds]) => fds);
  const numbers = [...targets.keys()];
  const reserves = numbers.filter((fd) => targets.get(fd) === '/dev/null' && isReadOnly(fd));
  return new Set([
    ...numbers.filter((fd) => loops.includes(targets.get(fd) ?? '')),
    ...pipes,
    // With several candidates it is unknown which one is Node's. To pass on one too many does no harm.
    ...(reserves.length === 1 ? reserves.filter((fd) => fd > Math.min(...pipes)) : []),
  ]);
}

/** Whether these are the two ends of one pipe. */
function isPair(ends: readonly number[]): boolean {
  return ends.length === 2 && ends.filter(isReadOnly).length === 1;
}

function parentsTargets(): ReadonlySet<string | undefined> {
  try {
    return new Set(readdirSync(`/proc/${process.ppid}/fd`).map((fd) => targetOf(Number(fd), process.ppid)));
  } catch {
    // The process has ended, or belongs to another user.
    return new Set();
  }
}

/**
 * The number for a descriptor that the caller does not know: far from the numbers of shells and scripts (3 to 9, 10 and
 * up, 63 and down, 200, 255).
 */
const remote = 859;

/** How many numbers below the limit are left free: `spawn` needs some above those that it passes on. */
const spare = 16;

/** A number that the caller, this process and usual programs do not use; undefined if there is none below the limit. */
export function remoteNumber(): number | undefined {
  for (let fd = Math.min(remote, maxDescriptors() - spare); fd > lastMarked; fd--) {
    if (!lstatIfThere(`${ownDescriptors}/${fd}`)) return fd;
  }
  return undefined;
}

/** How many descriptors a new program may have; where that is not known, the minimum that every system allows. */
function maxDescriptors(): number {
  try {
    const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return 256;
  }
}
