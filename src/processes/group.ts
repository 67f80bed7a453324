import { errnoOf } from '../errors/system.js';
import { bearsMark, holdsLeash, isOfThisBoot } from './leash.js';
import { type ProcessEntry, processEntry, processTable } from './table.js';

/** What tells the processes of a server from all others; as in the record. */
export interface ServerProcesses {
  /** The process group, which has the number of the server's first process. */
  readonly pgid: number;
  /** When that process began, by `startOf`. Without it the group cannot be told from a later one of that number. */
  readonly start: string | undefined;
  /** A socket that only the server's processes have open, by `leashOf`. */
  readonly leash: string | undefined;
}

/**
 * The processes of a server, in one look after another. The system gives the number of a group to nobody as long as
 * somebody is in that group: where we meet a process again, it is still the same group, be its leader gone.
 */
export class Pack {
  readonly #server: ServerProcesses;
  /** Those who were in the group at the last look, with their start times. */
  #known = new Map<number, string>();
  /** Whether the group is taken for ours although nobody in it is known. */
  #trusted: boolean;

  constructor(server: ServerProcesses, trusted: boolean) {
    this.#server = server;
    this.#trusted = trusted;
  }

  /** Those that live; never ourselves. */
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

  /** Sends a signal to those that a look has just found. */
  send(signal: NodeJS.Signals, living: readonly ProcessEntry[]): void {
    const { pgid } = this.#server;
    // As late as possible: a pid may have been given away since.
    const same = living.filter(({ pid, start }) => processEntry(pid)?.start === start);
    const isWhole = same.some((entry) => this.#isInGroup(entry)) && processEntry(process.pid)?.group !== pgid;
    // All at once: none of them can slip away by making another one.
    if (isWhole) sendTo(-pgid, signal);
    for (const entry of same) if (!isWhole || entry.group !== pgid) sendTo(entry.pid, signal);
  }

  /** What began before the server cannot stem from it, and its descriptors need not be read. */
  #isYounger({ start }: ProcessEntry): boolean {
    const first = this.#server.start;
    return first === undefined || !(Number(start) < Number(first));
  }

  #isInGroup({ pid, group }: ProcessEntry): boolean {
    return group === this.#server.pgid && this.#known.has(pid);
  }

  /** Everybody in our group, or in the session of its leader, the ended ones included; none if they may be strangers. */
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

/** Whether the system lets us send signals to a process. */
export function mayEnd(pid: number): boolean {
  return sendTo(pid, 0);
}

/** False if it is not permitted. That nobody is there any more is as good as done. */
function sendTo(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errnoOf(error) === 'EPERM') return false;
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
  return true;
}
