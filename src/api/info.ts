import type { Finding } from '../control/inspect.js';
import type { Holder, ServerState } from '../control/messages.js';
import type { OwnerRecord } from '../files/record.js';

/** One holder of a socket: its owner or a member. */
export interface HolderInfo {
  readonly pid: number;
  /** The number of the worker thread; undefined for the main thread. */
  readonly thread: number | undefined;
  readonly label: string | undefined;
  /** How many references it holds. */
  readonly references: number;
  /** When it became a holder, in milliseconds since 1970. */
  readonly since: number;
  /** Whether it could become the owner. */
  readonly canServe: boolean;
}

/** The command that serves a socket, and its state. */
export interface ServerInfo {
  /** The process id of the server; undefined while there is none. */
  readonly pid: number | undefined;
  /** The program and its arguments, shortened, as a text that can be pasted into a shell. */
  readonly command: string;
  /** The same as a list; undefined if it is too long for a message, or if the owner has an older version. */
  readonly argv: readonly string[] | undefined;
  readonly state: 'starting' | 'running' | 'restarting';
  /** How often it was restarted after a failure. */
  readonly restarts: number;
  /** With `activate`: the server ended with status 0, and the next connection starts it. */
  readonly waiting: boolean;
  /** Why its output goes to no log; undefined if it goes to one, or if that is not known. */
  readonly noLog: string | undefined;
  /** Why clients cannot connect although the server runs: it closed its socket, or made another one. */
  readonly problem: string | undefined;
}

/** What is known about a socket. */
export interface SocketInfo {
  readonly path: string;
  /**
   * `unresponsive`: the owner lives but does not answer. `stale`: the owner is dead; the next acquire removes its
   * files.
   */
  readonly state: 'starting' | 'active' | 'lingering' | 'stopping' | 'unresponsive' | 'stale';
  /** The owner, or the last one. Of an owner that does not answer only `pid` and `since` are known. */
  readonly owner: HolderInfo | undefined;
  /** The command that serves the socket, if its owner is a keeper. */
  readonly server: ServerInfo | undefined;
  /** All references; undefined if the owner does not answer. */
  readonly references: number | undefined;
  /** The members, oldest first; at most 200. */
  readonly members: readonly HolderInfo[];
  /** How many members there are besides the listed ones. */
  readonly moreMembers: number;
  /** When the owner began to serve it, in milliseconds since 1970. */
  readonly since: number | undefined;
}

/** Turns the finding of a query into the public form. */
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

/** An owner that accepts no connection is starting or ending; the record says which. */
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
