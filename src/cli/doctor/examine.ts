import { existsSync, lstatSync, readdirSync } from 'node:fs';
import type { SocketInfo } from '../../api/info.js';
import { isForeignLock, socketsIn } from '../../api/listing.js';
import { isMissing, locate, openPlace } from '../../api/locate.js';
import { SocketManager } from '../../api/manager.js';
import { stateOfOwner } from '../../control/unresponsive.js';
import { isSocketReferenceError, messageOf, quote } from '../../errors/error.js';
import { defaultDirectory, defaultDirectoryPath } from '../../files/default-directory.js';
import { canonicalDirectory, Directory } from '../../files/directory.js';
import { peekRecord } from '../../files/locking.js';
import { joinPath } from '../../files/paths.js';
import { endpointNames } from '../../files/place.js';
import { ownUid } from '../../files/platform.js';
import { isPrivateDirectoryName } from '../../files/private-directory.js';
import { notListening } from '../../ownership/reasons.js';
import { lockSuffix } from '../../protocol/constants.js';
import { elsewhere } from '../elsewhere.js';
import type { Problem } from './problem.js';

/** Looks for problems in a directory of sockets, the default one if none is given. Changes nothing. */
export async function examine(given: string | undefined): Promise<{ directory: string; problems: Problem[] }> {
  let directory = given ?? defaultDirectoryPath();
  try {
    directory = given === undefined ? defaultDirectory(false) : canonicalDirectory(given);
    const problems = unsafe(directory, given === undefined);
    // In an unsafe directory other users could have faked the files.
    if (problems.length > 0) return { directory, problems };
    const namesakes = given === undefined ? await served(directory) : [];
    return { directory, problems: [...(await sockets(directory)), ...orphans(directory), ...namesakes] };
  } catch (error) {
    // The default directory does not exist yet.
    if (given === undefined && isMissing(error)) return { directory, problems: [] };
    if (given === undefined && isUnsafe(error))
      return { directory, problems: [unsafeDirectory(directory, error, false)] };
    throw error;
  }
}

function unsafe(directory: string, isDefault: boolean): Problem[] {
  try {
    Directory.open(directory, isDefault ? 'private' : 'shared').release();
    return [];
  } catch (error) {
    if (!isUnsafe(error)) throw error;
    return [unsafeDirectory(directory, error, isDefault && lstatSync(directory).uid === ownUid())];
  }
}

function unsafeDirectory(path: string, error: Error, curable: boolean): Problem {
  const cure = { kind: curable ? 'close-directory' : 'none' } as const;
  return { kind: 'unsafe-directory', path, pid: undefined, message: error.message, cure };
}

async function sockets(directory: string): Promise<Problem[]> {
  const manager = new SocketManager();
  const problems: Problem[] = [];
  for (const path of socketsIn(directory)) {
    try {
      const problem = problemOf(await manager.inspect(path));
      if (problem) problems.push(problem);
    } catch (error) {
      if (isForeignLock(error)) continue;
      const message = messageOf(error);
      problems.push({ kind: 'unreadable', path, pid: undefined, message, cure: { kind: 'none' } });
    }
  }
  return problems;
}

/** Sockets that are also served under the same bare name in the default directory of another environment. */
async function served(directory: string): Promise<Problem[]> {
  const manager = new SocketManager();
  const problems: Problem[] = [];
  for (const path of socketsIn(directory)) {
    for (const other of elsewhere(path)) {
      try {
        const info = await manager.inspect(other);
        if (info && info.state !== 'stale') problems.push(split(path, other, info.owner?.pid));
      } catch (error) {
        if (!isForeignLock(error)) throw error;
      }
    }
  }
  return problems;
}

function split(path: string, other: string, pid: number | undefined): Problem {
  const who = pid === undefined ? '' : ` (pid ${pid})`;
  const message = `${path} and ${other}${who} are two sockets with one name: without XDG_RUNTIME_DIR, or with another value, as under cron or sudo, the name leads to the other socket; set SOCKREF_DIR in both places, or give the absolute path`;
  return { kind: 'elsewhere', path: other, pid, message, cure: { kind: 'none' } };
}

function problemOf(info: SocketInfo | undefined): Problem | undefined {
  if (!info) return undefined;
  const { path, owner, state } = info;
  const pid = owner?.pid;
  const who = pid === undefined ? '' : ` (pid ${pid})`;
  if (state === 'stale') {
    const message = `${path} was left by an owner that died${who}; the next acquire reclaims it, or sockref doctor --fix`;
    return {
      kind: 'leftover',
      path,
      pid,
      message,
      cure: { kind: 'reclaim', open: () => openPlace(locate(path, false, undefined)) },
    };
  }
  if (state === 'unresponsive') {
    const how = pid === undefined ? 'its process id is not known' : stateOfOwner(pid, undefined);
    const message = `The owner of ${path}${who} does not answer: ${how}`;
    return { kind: 'unresponsive', path, pid, message, cure: { kind: 'none' } };
  }
  const { problem, pid: server } = info.server ?? {};
  if (problem !== undefined) {
    const { message } = notListening(path, server, problem);
    return { kind: 'not-listening', path, pid: server, message, cure: { kind: 'none' } };
  }
  return undefined;
}

/** Private directories that no record names. */
function orphans(path: string): Problem[] {
  // List them before the records: a private directory is recorded before it is created.
  const found = readdirSync(path).filter((name) => isPrivateDirectoryName(name));
  if (found.length === 0) return [];
  const named = new Set(recordedIn(path));
  return found
    .map((name) => ({ name, at: joinPath(path, name) }))
    .filter(({ name, at }) => !named.has(name) && existsSync(at))
    .map(({ at }) => ({
      kind: 'orphan',
      path: at,
      pid: undefined,
      message: `no record names ${quote(at)}: another program removed its lock file; if no process uses it (fuser, lsof), remove it by hand`,
      cure: { kind: 'none' },
    }));
}

function recordedIn(path: string): readonly string[] {
  const directory = Directory.open(path);
  try {
    const locks = readdirSync(path).filter((name) => name.endsWith(lockSuffix));
    return locks.flatMap((name) => {
      try {
        const names = endpointNames(name.slice(0, -lockSuffix.length));
        return peekRecord({ directory, names, path: joinPath(path, names.data) })?.temporaries ?? [];
      } catch {
        // Reported as unreadable already.
        return [];
      }
    });
  } finally {
    directory.release();
  }
}

function isUnsafe(error: unknown): error is Error {
  return isSocketReferenceError(error) && error.code === 'ERR_SOCKREF_UNSAFE_DIRECTORY';
}
