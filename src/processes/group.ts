import { errnoOf } from '../errors/system.js';
import { bearsMark, holdsLeash, isOfThisBoot } from './leash.js';
import { type ProcessEntry, processEntry, processTable } from './table.js';

/** What distinguishes the processes of a server from all others, as in the record. */
export interface ServerProcesses {
  /** The process group. Its number is the pid of the server's first process. */
  readonly pgid: number;
  /**
   * When that process started, by `startOf`. Without it the group cannot be distinguished from a later one with that
   * number.
   */
  readonly start: string | undefined;
  /** A socket that only the server's processes have open, by `leashOf`. */
  readonly leash: string | undefined;
}

/**
 * The processes of a server, in successive looks. The system does not reuse the number of a group while a process is in
 * it: if we see a known process again, it is still the same group, even without its leader.
 */
export class Pack {
  readonly #server: ServerProcesses;
  /** The processes that were in the group at the last look, with their start times. */
  #known = new Map<number, string>();
  /** Whether the group counts as ours although we know no process in it. */
  #trusted: boolean;

  constructor(server: ServerProcesses, trusted: boolean) {
    this.#server = server;
    this.#trusted = trusted;
  }

  /** The living processes; never this one. */
  look(): ProcessEntry[] {
    const { leash } = this.#server;
    if (leash !== undefined && !isOfThisBoot(leash)) return [];
    const table = processTable();
    const members = new Set(this.#members(table));
    this.#known = new Map(Array.from(members, ({ pid, start }) => [pid, start]));
    this.#trusted = false;
    return table.filter((entry) => {
      if (entry.ended || entry.pid === process.pid || entry.pid <= 1) return false;
      return members.has(entry) || (leash !== undefined && this.#isYounger(entry) && holdsLeash(entry.pid, leash));
    });
  }

  /** Sends a signal to processes that a look has just found. */
  send(signal: NodeJS.Signals, living: readonly ProcessEntry[]): void {
    const { pgid } = this.#server;
    // As late as possible: a pid may have been reused since.
    const same = living.filter(({ pid, start }) => processEntry(pid)?.start === start);
    const isWhole = same.some((entry) => this.#isInGroup(entry)) && processEntry(process.pid)?.group !== pgid;
    // To all at once, so that none can escape by starting another one.
    if (isWhole) sendTo(-pgid, signal);
    for (const entry of same) if (!isWhole || entry.group !== pgid) sendTo(entry.pid, signal);
  }

  /** A process that started before the server cannot come from it, so its descriptors need not be read. */
  #isYounger({ start }: ProcessEntry): boolean {
    const first = this.#server.start;
    return first === undefined || !(Number(start) < Number(first));
  }

  #isInGroup({ pid, group }: ProcessEntry): boolean {
    return group === this.#server.pgid && this.#known.has(pid);
  }

  /**
   * Every process in our group, or in the session of its leader, including ended ones; none if they may be of a later
   * group.
   */
  #members(table: readonly ProcessEntry[]): ProcessEntry[] {
    const { pgid, start } = this.#server;
    if (pgid <= 1) return [];
    const members = table.filter(({ group, session }) => group === pgid || session === pgid);
    const leader = table.find(({ pid }) => pid === pgid);
    if (leader) return leader.start === start ? members : [];
    const isKnown = (entry: ProcessEntry) => this.#known.get(entry.pid) === entry.start || bearsMark(entry.pid, pgid);
    return this.#trusted || members.some(isKnown) ? members : [];
  }
}

/** Whether the system lets us signal a process. */
export function mayEnd(pid: number): boolean {
  return sendTo(pid, 0);
}

/** False if it is not permitted. A process that no longer exists counts as success. */
function sendTo(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errnoOf(error) === 'EPERM') return false;
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
  return true;
}
