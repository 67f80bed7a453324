import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { errnoOf } from '../errors/system.js';
import { lstatIfThere } from '../files/identity.js';
import { joinPath } from '../files/paths.js';
import { listensAt } from './socket-table.js';

/** Milliseconds between two looks. */
const lookMs = 250;
/** How many looks in a row must find it: a server may open other sockets just before the one that counts. */
const looksInRow = 4;

/** Where a server may have created its sockets. */
export interface SocketPlace {
  /** The directory, by a path that this process can use. */
  readonly at: string;
  /** The same by its full path, which the server was given. */
  readonly directory: string;
  /** The name of the socket that the server must create. */
  readonly wanted: string;
}

/** The only listening socket in a directory, if it is not the wanted one and the wanted one is missing. */
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
 * Whether a command lets its program choose the name of the socket: it contains only the directory. A command that also
 * contains the path, or a name in the directory, may create other sockets beside the one that counts.
 */
export function choosesItsName(command: readonly string[]): boolean {
  const all = command.join(' ');
  return /\{dir\}/.test(all) && !/\{dir\}\/|\{socket\}|SOCKREF_LISTEN_PATH/.test(all);
}

/**
 * Resolves to the name of another socket at which a server has been listening for a while. Rejects with the signal's
 * reason.
 */
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
