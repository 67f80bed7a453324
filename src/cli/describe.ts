import type { ServerInfo, SocketInfo } from '../api/info.js';
import { printable } from '../printable.js';
import { inWords } from './duration.js';
import { paint, type Style } from './output.js';

const styles: Readonly<Record<SocketInfo['state'], Style>> = {
  starting: 'yellow',
  active: 'green',
  lingering: 'cyan',
  stopping: 'yellow',
  unresponsive: 'red',
  stale: 'red',
};

/** The state, in colour. */
export function stateOf({ state }: SocketInfo): string {
  return paint(process.stdout, styles[state], state);
}

/** The command that serves the socket, if it is one, and its state. */
export function serverOf({ server }: SocketInfo): string {
  if (!server) return '';
  const again = server.restarts > 0 ? `, restarted ${server.restarts === 1 ? 'once' : `${server.restarts} times`}` : '';
  return `${shortened(printable(server.command))} (${activityOf(server)}${again})`;
}

/** What the command that serves a socket is doing. */
export function activityOf({ state, waiting }: ServerInfo): string {
  return waiting ? 'waiting for a connection' : state;
}

/** How many characters of a command a table shows. */
const maxCommand = 40;

function shortened(text: string): string {
  return text.length > maxCommand ? `${text.slice(0, maxCommand - 1)}…` : text;
}

/** How long ago something began. */
export function ageOf(since: number | undefined): string {
  return since === undefined ? '-' : inWords(Math.max(0, Date.now() - since));
}

/** A number that may be unknown. */
export function countOf(count: number | undefined): string {
  return count === undefined ? '-' : String(count);
}
