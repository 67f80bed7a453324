import { readFileSync } from 'node:fs';

/** The kernel's table of Unix sockets: a line each, with Num, RefCount, Protocol, Flags, Type, St, Inode and Path. */
const socketTable = '/proc/net/unix';

/** What stands before the path. */
const fields = /^[0-9A-Fa-f]+: [0-9A-F]{8} [0-9A-F]{8} [0-9A-F]{8} [0-9A-F]{4} ([0-9A-F]{2}) +(\d+)$/;

/** What stands before the path of a socket that listens: the flag says so. */
const listening = /^[0-9A-Fa-f]+: [0-9A-F]{8} [0-9A-F]{8} [0-9A-F]{3}1[0-9A-F]{4} /;

/** The state of a socket that is connected, and that a process has open. */
const connected = '03';

/**
 * The connections that servers have accepted at a bound path, and have open, by their inodes; undefined where the system
 * does not tell. What still waits in the queue has no inode yet. The numbers are told to everybody, unlike the addresses
 * in the first field, and are not given again for a long time.
 */
export function acceptedAt(boundPath: string): Set<string> | undefined {
  return parseAccepted(readTable(), boundPath);
}

/** Whether a socket listens at a bound path; true where the system does not tell. */
export function listensAt(boundPath: string): boolean {
  const table = readTable();
  // Not even its heading: then a socket is taken to listen.
  if (!table) return true;
  const ending = ` ${boundPath}\n`;
  for (let at = table.indexOf(ending); at >= 0; at = table.indexOf(ending, at + 1)) {
    if (listening.test(table.slice(table.lastIndexOf('\n', at) + 1, at))) return true;
  }
  return false;
}

/** As {@link acceptedAt}, from the text of the table. */
export function parseAccepted(table: string | undefined, boundPath: string): Set<string> | undefined {
  // Not even its heading: it is kept from us, as by an empty file in its place.
  if (!table) return undefined;
  const accepted = new Set<string>();
  // Not line by line: the path is listed as it is, with any newline or space in it.
  const ending = ` ${boundPath}\n`;
  for (let at = table.indexOf(ending); at >= 0; at = table.indexOf(ending, at + 1)) {
    const [, state, inode] = fields.exec(table.slice(table.lastIndexOf('\n', at) + 1, at)) ?? [];
    if (state === connected && inode !== undefined) accepted.add(inode);
  }
  return accepted;
}

function readTable(): string | undefined {
  try {
    return readFileSync(socketTable, 'utf8');
  } catch {
    // Not Linux, or /proc is not there.
    return undefined;
  }
}
