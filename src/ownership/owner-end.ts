import type { Context } from '../context.js';
import type { SocketReferenceError } from '../errors/error.js';
import { systemError } from '../errors/system.js';
import { takeEach } from '../files/each.js';
import type { LockFile } from '../files/lock-file.js';
import type { Server } from '../serving/server.js';
import type { Members } from './members.js';
import type { OwnRecord } from './own-record.js';
import type { Sockets } from './sockets.js';

/** An owner, as seen by its end. */
export interface EndingOwner {
  readonly lock: LockFile;
  readonly context: Context;
  readonly server: Server;
  readonly sockets: Sockets;
  readonly record: OwnRecord;
  readonly members: Members;
  fault(error: unknown): void;
  /** Tells those that wait for the end that it has come; with a failure, if something is left. */
  lastWords(failure: SocketReferenceError | undefined): (() => unknown)[];
}

/**
 * Removes all that belongs to an owner. Each thing goes after what depends on it: first the names of the sockets, then
 * the server, then the lock file with the record. A failure is reported after the other steps, and the record of what
 * is left stays.
 *
 * @param keepMembers - members stay attached until everything has ended; otherwise they are released as soon as no name
 * leads here any more, and seek another owner
 */
export async function endOwner(owner: EndingOwner, keepMembers: boolean): Promise<void> {
  const { lock, context, server, sockets, record, members } = owner;
  const { path } = lock.place;
  let failure: SocketReferenceError | undefined;
  try {
    record.sayStopping();
    const unpublished = context.cleanUp(() => unpublish(sockets));
    const [{ status }] = await Promise.allSettled([unpublished]);
    sockets.close();
    let removed: Promise<void> | undefined;
    if (!keepMembers && status === 'fulfilled') {
      // Before the connections drain: members have limited time to find another owner, and a connection may stay open
      // for long.
      removed = context.cleanUp(() => removeLock(owner));
      await Promise.allSettled([removed]);
      carryThrough(
        owner,
        () => lock.release(),
        () => members.close(),
      );
    } else record.sayStopping();
    // Stop the server even after a failure: no later step would.
    await server.stop();
    await unpublished;
    await (removed ?? context.cleanUp(() => removeLock(owner)));
  } catch (error) {
    failure = systemError(error, path, `remove all that belongs to ${path} (the next acquire will)`);
    throw failure;
  } finally {
    carryThrough(
      owner,
      () => sockets.close(),
      // After a failure the lock is released and its file stays: the next owner cleans up the rest from the record.
      () => lock.release(),
      ...owner.lastWords(failure),
      () => members.close(),
    );
  }
}

/** Completes a change of state: a step that fails is reported, and the other steps are still taken. */
export function carryThrough(owner: Pick<EndingOwner, 'lock' | 'fault'>, ...steps: (() => unknown)[]): void {
  const { path } = owner.lock.place;
  for (const error of takeEach(steps)) owner.fault(systemError(error, path, `remove the files of ${path}`));
}

/** A socket that is still being published is not known yet, and cannot be removed. */
function unpublish(sockets: Sockets): void | Promise<void> {
  const publishing = sockets.settled();
  if (publishing !== undefined) return publishing.then(() => unpublish(sockets));
  sockets.unlink();
}

/** The record goes with the lock file, so what the record names must go first. */
function removeLock({ sockets, lock }: EndingOwner): void {
  sockets.remains.remove(lock.place.directory);
  lock.remove();
}
