import { readFileSync } from 'node:fs';

/** The kernel's table of Unix sockets. Each line has Num, RefCount, Protocol, Flags, Type, St, Inode and Path. */
const socketTable = '/proc/net/unix';

/** The part of a line before the path. */
const fields = /^[0-9A-Fa-f]+: [0-9A-F]{8} [0-9A-F]{8} [0-9A-F]{8} [0-9A-F]{4} ([0-9A-F]{2}) +(\d+)$/;

/** The same for a listening socket, as its flags and its state show. */
const listening = /^[0-9A-Fa-f]+: [0-9A-F]{8} [0-9A-F]{8} 00010000 [0-9A-F]{4} 01 +\d+$/;

/** The state of a connected socket that a process has open. */
const connected = '03';

/**
 * The connections that servers have accepted at a bound path and have open, by their inodes; undefined where the system
 * does not tell. A connection in the queue has no inode yet. Every user can read these numbers, unlike the addresses in
 * the first field, and they are not reused for a long time.
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
 * Whether a socket that was bound to exactly this path listens; undefined where the system does not tell. A socket that
 * was bound by another spelling of the path, or in another network namespace, is not seen.
 */
export function listensAt(boundPath: string): boolean | undefined {
  return parseListening(readTable(), boundPath);
}

/** As {@link listensAt}, from the text of the table. */
export function parseListening(table: string | undefined, boundPath: string): boolean | undefined {
  return entriesAt(table, boundPath)?.some((line) => listening.test(line));
}

/** The part before the path of each line with a bound path. */
function entriesAt(table: string | undefined, boundPath: string): string[] | undefined {
  // Without even a heading the table is hidden from us, for example by an empty file in its place.
  if (!table) return undefined;
  const entries: string[] = [];
  // Not line by line: the path is listed as it is, and may contain newlines and spaces.
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
    // Not Linux, or /proc is missing.
    return undefined;
  }
}
