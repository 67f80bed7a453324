import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { errnoOf } from '../errors/system.js';
import { lstatIfThere } from '../files/identity.js';
import { joinPath } from '../files/paths.js';
import { listensAt } from './socket-table.js';

/** Milliseconds between two looks. */
const lookMs = 250;
/** So many looks in a row have to find it: a server may open other sockets a moment before the one that counts. */
const looksInRow = 4;

/** Where a server may have put its sockets. */
export interface SocketPlace {
  /** The directory, as this process reaches it. */
  readonly at: string;
  /** The same by its full path, which the server was told. */
  readonly directory: string;
  /** The name of the socket that it is to make. */
  readonly wanted: string;
}

/** The one socket in a directory that listens, and is not the one that is wanted, which is not there. */
export function otherSocket({ at, directory, wanted }: SocketPlace): string | undefined {
  try {
    const names = readdirSync(at);
    if (names.includes(wanted)) return undefined;
    const [name, ...more] = names.filter((each) => lstatIfThere(joinPath(at, each))?.isSocket());
    return name !== undefined && more.length === 0 && listensAt(joinPath(directory, name)) !== false ? name : undefined;
  } catch (error) {
    // It was removed just now.
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

/**
 * Whether a command leaves the name of its socket to the program: it is told the directory alone. One that is told the path as
 * well, or a name in the directory, may have other sockets beside the one that counts.
 */
export function choosesItsName(command: readonly string[]): boolean {
  const all = command.join(' ');
  return /\{dir\}/.test(all) && !/\{dir\}\/|\{socket\}|SOCKREF_LISTEN_PATH/.test(all);
}

/** Resolves to the name of another socket that a server has been listening at for a while. Rejects with the signal's reason. */
export async function untilOther(place: SocketPlace, signal: AbortSignal): Promise<string> {
  let before: string | undefined;
  for (let looks = 0; ; ) {
    const name = otherSocket(place);
    looks = name !== undefined && name === before ? looks + 1 : 1;
    before = name;
    if (name !== undefined && looks >= looksInRow) return name;
    await pause(lookMs, undefined, { signal, ref: false });
  }
}
