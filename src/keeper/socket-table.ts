import { readFileSync } from 'node:fs';

/** The kernel's table of Unix sockets: a line each, with Num, RefCount, Protocol, Flags, Type, St, Inode and Path. */
const socketTable = '/proc/net/unix';

/** What stands before the path. */
const fields = /^[0-9A-Fa-f]+: [0-9A-F]{8} [0-9A-F]{8} [0-9A-F]{8} [0-9A-F]{4} ([0-9A-F]{2}) +(\d+)$/;

/** The same of a socket that listens, as its flags and its state say. */
const listening = /^[0-9A-Fa-f]+: [0-9A-F]{8} [0-9A-F]{8} 00010000 [0-9A-F]{4} 01 +\d+$/;

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

/** As {@link acceptedAt}, from the text of the table. */
export function parseAccepted(table: string | undefined, boundPath: string): Set<string> | undefined {
  const lines = entriesAt(table, boundPath);
  if (!lines) return undefined;
  const accepted = new Set<string>();
  for (const line of lines) {
    const [, state, inode] = fields.exec(line) ?? [];
    if (state === connected && inode !== undefined) accepted.add(inode);
  }
  return accepted;
}

/**
 * Whether a socket that was bound to this very path listens; undefined where the system does not tell. One that was bound to
 * it by another spelling, or in another network namespace, is not seen.
 */
export function listensAt(boundPath: string): boolean | undefined {
  return parseListening(readTable(), boundPath);
}

/** As {@link listensAt}, from the text of the table. */
export function parseListening(table: string | undefined, boundPath: string): boolean | undefined {
  return entriesAt(table, boundPath)?.some((line) => listening.test(line));
}

/** What stands before a bound path wherever it is listed. */
function entriesAt(table: string | undefined, boundPath: string): string[] | undefined {
  // Not even its heading: it is kept from us, as by an empty file in its place.
  if (!table) return undefined;
  const entries: string[] = [];
  // Not line by line: the path is listed as it is, with any newline or space in it.
  const ending = ` ${boundPath}\n`;
  for (let at = table.indexOf(ending); at >= 0; at = table.indexOf(ending, at + 1)) {
    entries.push(table.slice(table.lastIndexOf('\n', at) + 1, at));
  }
  return entries;
}

function readTable(): string | undefined {
  try {
    return readFileSync(socketTable, 'utf8');
  } catch {
    // Not Linux, or /proc is not there.
    return undefined;
  }
}
