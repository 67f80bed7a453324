import { once } from 'node:events';
import { connect } from 'node:net';
import { SocketReferenceError } from '../errors/error.js';
import { errnoOf } from '../errors/system.js';
import { endProcesses, killProcesses } from '../processes/end.js';
import { protocolVersion } from '../protocol/constants.js';
import { foreignFile } from './foreign.js';
import { type Identity, identityOf, lstatIfThere, sameFile } from './identity.js';
import type { LockFile } from './lock-file.js';
import { joinPath } from './paths.js';
import { ownUid } from './platform.js';
import type { OwnerRecord, RecordedServer } from './record.js';
import { removePrivateDirectory, unlinkIfSame } from './remove.js';

/** The files of a dead owner that were removed. */
export interface Reclaimed {
  /** The process that left them, if its record named it. */
  readonly pid: number | undefined;
  /** The removed names. */
  readonly names: readonly string[];
}

/**
 * Removes what the record in a locked lock file names, and nothing else (I2): files by identity, private directories by
 * their random name. It is synchronous, so that it can run at exit. The process can be killed at any step: the record
 * stays until everything is removed.
 */
export function reclaim(lock: LockFile, record = lock.record()): Reclaimed {
  if (!record) return { pid: undefined, names: [] };
  const { place } = lock;
  assertKnownVersion(record, place.path);
  const names: string[] = [];
  for (const { name, file } of record.published) if (unlinkIfSame(place.directory, name, file)) names.push(name);
  for (const name of record.temporaries) if (removePrivateDirectory(place.directory, name)) names.push(name);
  return { pid: record.pid, names };
}

/**
 * Ends the processes that remain of the servers in the record of a locked lock file. Called before their files are
 * removed.
 */
export async function endOrphans(record: OwnerRecord | undefined): Promise<void> {
  for (const server of serversOf(record)) await endProcesses(server, server.signal, server.graceMs);
}

/** Kills the same processes at once, for an exit. */
export function killOrphans(record: OwnerRecord | undefined): void {
  for (const server of serversOf(record)) killProcesses(server);
}

/** Servers in the record of another version are left alone. */
function serversOf(record: OwnerRecord | undefined): readonly RecordedServer[] {
  return record?.version === protocolVersion ? record.servers : [];
}

/**
 * What to do with a dead socket that no record names. `recorded`: leave it. `stale`: remove it if it belongs to this
 * user and refuses connections.
 */
export type ReclaimRule = 'recorded' | 'stale';

/**
 * Throws if a foreign file is at a name that this endpoint needs.
 *
 * @param own - files that this process itself published in an earlier life of the endpoint
 */
export async function freeName(
  { place }: LockFile,
  name: string,
  rule: ReclaimRule,
  own: readonly Identity[],
): Promise<boolean> {
  const { directory, path } = place;
  const stats = lstatIfThere(directory.at(name));
  if (!stats) return false;
  const file = identityOf(stats);
  if (own.some((known) => sameFile(known, file))) return unlinkIfSame(directory, name, file);
  const at = joinPath(directory.path, name);
  if (!stats.isSocket()) throw foreignFile(path, at, stats);
  if (rule !== 'stale') throw foreignFile(path, at, stats);
  if (Number(stats.uid) !== ownUid()) throw foreignFile(path, at, stats, ', and is not yours to reclaim');
  if (!(await refuses(directory.at(name)))) throw foreignFile(path, at, stats, ', and a server answers there');
  return unlinkIfSame(directory, name, file);
}

/** Whether a connection is refused, which means that no process listens. With any other result one may listen. */
async function refuses(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    await once(socket, 'connect');
    return false;
  } catch (error) {
    return errnoOf(error) === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}

function assertKnownVersion(record: OwnerRecord, path: string): void {
  if (record.version === protocolVersion) return;
  throw new SocketReferenceError(
    'ERR_SOCKREF_PROTOCOL',
    `The dead owner of ${path} (pid ${record.pid}) left files of layout version ${record.version}, and this is ` +
      `version ${protocolVersion}; acquire it once with that version of sockref, or remove its files by hand`,
    { path, ours: protocolVersion, theirs: record.version },
  );
}
