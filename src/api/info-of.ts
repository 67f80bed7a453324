import type { Finding } from '../control/inspect.js';
import type { Holder, ServerState } from '../control/messages.js';
import type { OwnerRecord } from '../files/record.js';
import type { HolderInfo, ServerInfo, SocketInfo } from './info.js';

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
