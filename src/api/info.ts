import type { Finding } from '../control/inspect.js';
import type { Holder, ServerState } from '../control/messages.js';
import type { OwnerRecord } from '../files/record.js';

/** One holder of a socket: its owner or a member. */
export interface HolderInfo {
  readonly pid: number;
  /** The worker thread's number, if it is not the main thread. */
  readonly thread: number | undefined;
  readonly label: string | undefined;
  /** References that it holds. */
  readonly references: number;
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
  /** Whether it could take over. */
  readonly canServe: boolean;
}

/** The command that serves a socket. */
export interface ServerInfo {
  /** Its process; undefined while there is none. */
  readonly pid: number | undefined;
  /** The program and its arguments as a text that can be pasted into a shell; shortened. */
  readonly command: string;
  /** The same as a list; undefined if it is too long for a message, or not told by an owner of an older version. */
  readonly argv: readonly string[] | undefined;
  readonly state: 'starting' | 'running' | 'restarting';
  /** How often it was started again, after it had failed. */
  readonly restarts: number;
  /** With `activate`: it has ended with status 0, and the next connection starts it. */
  readonly waiting: boolean;
  /** Why its output goes to no log; undefined if it does, or if that is not known. */
  readonly noLog: string | undefined;
  /** Why nobody can connect to it although it runs: it has closed its socket, or made another one. */
  readonly problem: string | undefined;
}

/** What is known about a socket. */
export interface SocketInfo {
  readonly path: string;
  /**
   * `unresponsive`: its owner lives but does not answer; `stale`: left by a dead owner, and removed by the next acquire.
   */
  readonly state: 'starting' | 'active' | 'lingering' | 'stopping' | 'unresponsive' | 'stale';
  /** Who serves it, or served it. Of one that does not answer only the pid and the time are known. */
  readonly owner: HolderInfo | undefined;
  /** The command that its owner, then a keeper, runs as the server. */
  readonly server: ServerInfo | undefined;
  /** All references; undefined if nobody answers. */
  readonly references: number | undefined;
  /** The members, oldest first; at most 200. */
  readonly members: readonly HolderInfo[];
  /** How many members there are besides those. */
  readonly moreMembers: number;
  /** Since when it is served, in milliseconds since 1970. */
  readonly since: number | undefined;
}

/** Puts what a query found into the words of the public API. */
export function infoOf(path: string, finding: Finding): SocketInfo | undefined {
  switch (finding.kind) {
    case 'nothing':
      return undefined;
    case 'answered': {
      const { state, owner, server, total, members, more, since } = finding.holders;
      return {
        path,
        state,
        owner: holderInfo(owner),
        server: server && serverInfo(server),
        references: total,
        members: members.map(holderInfo),
        moreMembers: more,
        since,
      };
    }
    case 'silent':
      return unanswered(path, silentState(finding), finding.record);
    case 'stale':
      return unanswered(path, 'stale', finding.record);
  }
}

/** Who cannot be connected to is on its way in or out; the record says which. */
function silentState({ connected, record }: Extract<Finding, { kind: 'silent' }>): SocketInfo['state'] {
  if (connected) return 'unresponsive';
  return record?.stopping ? 'stopping' : 'starting';
}

function serverInfo({ pid, command, argv, state, restarts, waiting = false, noLog, problem }: ServerState): ServerInfo {
  return { pid, command, argv, state, restarts, waiting, noLog, problem };
}

function holderInfo({ pid, thread, label, references, since, canServe }: Holder): HolderInfo {
  return { pid, thread, label, references, since, canServe };
}

function unanswered(path: string, state: SocketInfo['state'], record: OwnerRecord | undefined): SocketInfo {
  const since = record?.since;
  const owner = record && {
    pid: record.pid,
    thread: undefined,
    label: undefined,
    references: 0,
    since: record.since,
    canServe: true,
  };
  return { path, state, owner, server: undefined, references: undefined, members: [], moreMembers: 0, since };
}
