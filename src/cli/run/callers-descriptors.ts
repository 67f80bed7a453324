import { constants, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isClosedOnExec, type OpenDescriptor, openDescriptors } from '../../files/open-descriptors.js';

/** The first descriptor that is not one of the three that every program has. */
const first = 3;

/**
 * Up to this number Node, at its start, marks what it inherited as closed on exec, and beyond it until the first free number. Where it
 * had inherited nothing it has descriptors of its own by the time that we can look.
 */
const lastMarked = 16;

/** What only an event loop has: of such a one that is marked we cannot tell whether it is the caller's, and it is not passed on. */
const loops = ['anon_inode:[eventpoll]', 'anon_inode:[eventfd]', 'anon_inode:[io_uring]'];

/** What the caller gave this process to inherit beside stdin, stdout and stderr. */
export interface CallersDescriptors {
  readonly all: ReadonlySet<number>;
  /** Those that Node has marked: a program gets them only if they are named. The others it gets anyway. */
  readonly marked: readonly number[];
}

/**
 * Looks which of the open descriptors are the caller's. To be called before this process opens anything that stays open. Finds none
 * where there is no /proc: then a command gets those that Node has not marked.
 */
export function callersDescriptors(): CallersDescriptors {
  const open = openDescriptors().filter(({ fd }) => fd >= first);
  const marked = open.filter(isClosedOnExec);
  const own = ownOf(marked);
  const foreign = new Set(marked.filter((each) => !own.has(each)).map(({ fd }) => fd));
  const passed = [...foreign].filter((fd) => fd <= lastMarked);
  if (foreign.has(lastMarked)) for (let fd = lastMarked + 1; foreign.has(fd); fd++) passed.push(fd);
  const unmarked = open.filter((each) => !isClosedOnExec(each)).map(({ fd }) => fd);
  return { all: new Set([...passed, ...unmarked]), marked: passed };
}

/**
 * Node's own: those of its event loops, the pipes of which this process has both ends, unless its parent has them too (as `make` has
 * its jobserver's), and the one of /dev/null that it keeps in reserve for when there are no descriptors left.
 */
function ownOf(marked: readonly OpenDescriptor[]): ReadonlySet<OpenDescriptor> {
  const ends = new Map<string, OpenDescriptor[]>();
  for (const each of marked) {
    if (each.target.startsWith('pipe:')) ends.set(each.target, [...(ends.get(each.target) ?? []), each]);
  }
  const ofParent = parentsPipes();
  const pipes = [...ends].filter(([target, each]) => isPair(each) && !ofParent.has(target)).map(([, each]) => each);
  const reserves = marked.filter((each) => each.target === '/dev/null' && isReadOnly(each));
  const lowest = Math.min(...pipes.flat().map(({ fd }) => fd));
  return new Set([
    ...marked.filter(({ target }) => loops.includes(target)),
    ...pipes.flat(),
    // With several it is unknown which one is Node's; one that is passed on too many does no harm.
    ...(reserves.length === 1 ? reserves.filter(({ fd }) => fd > lowest) : []),
  ]);
}

/** Whether these are both ends of a pipe, once each. */
function isPair(ends: readonly OpenDescriptor[]): boolean {
  return ends.length === 2 && ends.filter(isReadOnly).length === 1;
}

function isReadOnly({ flags }: OpenDescriptor): boolean {
  return (flags & (constants.O_WRONLY | constants.O_RDWR)) === 0;
}

function parentsPipes(): ReadonlySet<string> {
  const directory = `/proc/${process.ppid}/fd`;
  try {
    return new Set(readdirSync(directory).map((fd) => targetOf(`${directory}/${fd}`)));
  } catch {
    // It has ended, or is another user's.
    return new Set();
  }
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    // Closed meanwhile.
    return '';
  }
}

/** Where a descriptor is put that the caller knows nothing of: far from what shells and scripts use (3 to 9, 10 and up, 63 and down, 200, 255). */
const remote = 859;

/** Numbers that are left free below the limit: `spawn` itself needs some above those that it is to give out. */
const spare = 16;

/** A number that neither the caller nor this process uses, and that programs do not; undefined if there is none below the limit. */
export function remoteNumber({ all }: CallersDescriptors): number | undefined {
  const used = new Set([...all, ...openDescriptors().map(({ fd }) => fd)]);
  for (let fd = Math.min(remote, maxDescriptors() - spare); fd > lastMarked; fd--) if (!used.has(fd)) return fd;
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
