import type { SocketInfo } from '../../api/info.js';
import { printable } from '../../printable.js';

const ordinals = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth'];
const cardinals = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];

/** What an acquire waits for, in words. */
export function waitingFor(name: string, info: SocketInfo | undefined): string {
  const what = printable(name);
  if (!info) return `sockref: starting ${what}`;
  const { state, server, owner } = info;
  if (state === 'stopping') return `sockref: waiting for the previous server of ${what} to stop`;
  if (state === 'unresponsive') return `sockref: waiting for the owner of ${what} (pid ${owner?.pid}) to answer`;
  if (server?.state === 'restarting') return `sockref: ${what} is restarting ${printable(server.command)}`;
  if (server?.state === 'starting') return `sockref: ${what} is starting ${printable(server.command)}`;
  return `sockref: ${state === 'starting' ? 'starting' : 'joining'} ${what}`;
}

/**
 * The place of a process among the holders of a socket: "joined db.sock as third of four holders".
 *
 * @param began - when it began to acquire, in milliseconds since 1970
 */
export function joinedAs(name: string, pid: number, info: SocketInfo, began: number): string {
  const { owner, members, moreMembers, since = 0 } = info;
  const holders = [...(owner && owner.references > 0 ? [owner] : []), ...members];
  const at = holders.findIndex((holder) => holder.pid === pid);
  const total = holders.length + moreMembers;
  // With hundreds of members the newest are not listed.
  const place = at === -1 ? total : at + 1;
  const holdersInAll = total === 1 ? 'its only holder' : `${ordinal(place)} of ${cardinal(total)} holders`;
  // The first holder of a server that did not run before.
  const verb = place === 1 && since >= began ? 'started' : 'joined';
  return verb === 'started' && total === 1 ? `started ${name}` : `${verb} ${name} as ${holdersInAll}`;
}

function ordinal(number: number): string {
  return ordinals[number - 1] ?? `number ${number}`;
}

function cardinal(number: number): string {
  return cardinals[number - 1] ?? String(number);
}
