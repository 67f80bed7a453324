import { readdirSync, readFileSync } from 'node:fs';
import { lstatIfThere } from '../../files/identity.js';
import { isInherited, isReadOnly, targetOf } from '../../files/open-descriptors.js';
import { ownDescriptors } from '../../files/platform.js';

/** The first descriptor that is not one of the three that every program has. */
const first = 3;

/**
 * Up to this number Node, at its start, marks what it inherited as closed on exec, and beyond it until the first free number. Where it
 * had inherited nothing it has descriptors of its own by the time that we can look.
 */
const lastMarked = 16;

/** What only an event loop has: of such a one we cannot tell whether it is the caller's, and it is not passed on. */
const loops = ['anon_inode:[eventpoll]', 'anon_inode:[eventfd]', 'anon_inode:[io_uring]'];

/**
 * Which of the descriptors that Node has marked are the caller's: a program gets them only if they are named. Those that Node has not
 * marked it gets anyway. To be called before this process opens anything that stays open. None where there is no /proc.
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
  // Unbroken from there on, or Node had stopped to mark.
  for (let fd = lastMarked + 1; isCallers(fd - 1) && isCallers(fd); fd++) if (!isInherited(fd)) found.push(fd);
  return found;
}

/**
 * Node's own: those of its event loops, the pipes of which this process has both ends, unless its parent has them too (as `make` has
 * its jobserver's), and the one of /dev/null that it keeps in reserve for when there are no descriptors left.
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
    // With several it is unknown which one is Node's; one that is passed on too many does no harm.
    ...(reserves.length === 1 ? reserves.filter((fd) => fd > Math.min(...pipes)) : []),
  ]);
}

/** Whether these are both ends of a pipe, once each. */
function isPair(ends: readonly number[]): boolean {
  return ends.length === 2 && ends.filter(isReadOnly).length === 1;
}

function parentsTargets(): ReadonlySet<string | undefined> {
  try {
    return new Set(readdirSync(`/proc/${process.ppid}/fd`).map((fd) => targetOf(Number(fd), process.ppid)));
  } catch {
    // It has ended, or is another user's.
    return new Set();
  }
}

/** Where a descriptor is put that the caller knows nothing of: far from what shells and scripts use (3 to 9, 10 and up, 63 and down, 200, 255). */
const remote = 859;

/** Numbers that are left free below the limit: `spawn` itself needs some above those that it is to give out. */
const spare = 16;

/** A number that neither the caller nor this process uses, and that programs do not; undefined if there is none below the limit. */
export function remoteNumber(): number | undefined {
  for (let fd = Math.min(remote, maxDescriptors() - spare); fd > lastMarked; fd--) {
    if (!lstatIfThere(`${ownDescriptors}/${fd}`)) return fd;
  }
  return undefined;
}

/** How many descriptors a program may have that is started now; what every system allows, where that is not told. */
function maxDescriptors(): number {
  try {
    const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return 256;
  }
}
