import { chmodSync, linkSync, mkdirSync, rmdirSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { errnoOf, systemError } from '../system-errors.js';
import { foreignFile } from './foreign.js';
import { type Identity, identityOf, kindOf, lstatIfThere, sameFile } from './identity.js';
import type { EndpointLock } from './lock.js';
import { assertPathFits, joinPath } from './paths.js';
import { maxSocketPathBytes, reachesThroughDescriptors } from './platform.js';
import { randomName } from './random.js';
import { appendRecord, beginRecord, type Published } from './record.js';

/**
 * How many connections the kernel may keep until they are accepted. The system cuts it to its own maximum; with Node's
 * 511 a hundred processes that start at once would meet a full queue.
 */
export const backlog = 4096;

/** Something that listens once it is bound. */
export interface Listener {
  /** Binds to a path and listens there. Rejects with the error of the system. */
  bind(path: string): Promise<void>;
  /** Accepts nobody any more. Idempotent. */
  close(): void;
  /** Keeps the process alive, or not. */
  ref(): void;
  unref(): void;
}

/** A socket to publish: who listens, under which name, reachable by whom. */
export interface Publication {
  readonly name: string;
  readonly mode: number;
  /** What is to listen; or the name, in a private directory, at which a server listens already. That name is left alone. */
  readonly from: Listener | string;
}

/** A server of Node as a {@link Listener}. */
export function listenerOf(server: Server): Listener {
  return {
    bind(path) {
      return new Promise((resolve, reject) => {
        server.once('error', reject);
        // Exclusive: in a cluster worker the primary would bind, and /proc/self is another process there.
        server.listen({ path, backlog, exclusive: true }, () => {
          server.off('error', reject);
          resolve();
        });
      });
    },
    close: () => void (server.listening && server.close()),
    ref: () => void server.ref(),
    unref: () => void server.unref(),
  };
}

/**
 * Makes sockets visible at their final names, each fully set up by then: bound and listening in a private directory,
 * given its mode, named in the record, and only then linked (I6, I2). On failure nothing of it remains.
 *
 * @param path - the endpoint's path, for messages
 * @param record - whether this process has a record already, or begins one with this
 * @returns the files' identities, in the order given
 */
export async function publish(
  lock: EndpointLock,
  path: string,
  publications: readonly Publication[],
  record: 'begin' | 'append' = 'append',
): Promise<Identity[]> {
  const linked: Published[] = [];
  const bound: string[] = [];
  let temporary: string | undefined;
  try {
    if (publications.some(({ from }) => typeof from !== 'string')) temporary = makeTemporary(lock, record);
    else if (record === 'begin') beginRecord(lock.fd);
    const settled: { from: string; published: Published }[] = [];
    for (const { name, mode, from } of publications) {
      const privateName = typeof from === 'string' ? from : `${temporary}/${randomName()}`;
      if (typeof from === 'string') assertSocket(lock, from);
      else {
        bound.push(privateName);
        await from.bind(bindPath(lock, privateName));
      }
      settled.push({ from: privateName, published: { name, file: settle(lock, privateName, mode) } });
    }
    // All of them before the first has its name.
    appendRecord(lock.fd, ...settled.map(({ published }) => ({ published })));
    for (const { from, published } of settled) {
      linkNew(lock, path, from, published.name);
      linked.push(published);
    }
    return linked.map(({ file }) => file);
  } catch (error) {
    for (const { from } of publications) if (typeof from !== 'string') from.close();
    for (const { name, file } of linked) unlinkIfSame(lock, name, file);
    throw systemError(error, path, `publish the socket ${path}`);
  } finally {
    // What cannot be removed now is named in the record, and is removed with it.
    for (const name of bound) tolerate(() => unlinkSync(lock.directory.at(name)));
    if (temporary !== undefined) removeTemporary(lock, temporary);
  }
}

/** Makes a private directory in which sockets are bound. */
export function makeTemporary(lock: EndpointLock, record: 'begin' | 'append' = 'append'): string {
  const temporary = `.sr-${randomName()}`;
  // Named in the record before it exists: a crash from here on leaves nothing that the next owner does not know of.
  if (record === 'begin') beginRecord(lock.fd, { temporary });
  else appendRecord(lock.fd, { temporary });
  const at = lock.directory.at(temporary);
  mkdirSync(at, 0o700);
  try {
    // A umask may have taken from it what we need.
    chmodSync(at, 0o700);
    return temporary;
  } catch (error) {
    removeTemporary(lock, temporary);
    throw error;
  }
}

/** Removes a private directory that is empty. */
function removeTemporary({ directory }: EndpointLock, name: string): void {
  tolerate(() => rmdirSync(directory.at(name)));
}

/** What a server has put there may be anything: a link would lead the change of the mode, and clients, to somewhere else. */
function assertSocket({ directory }: EndpointLock, name: string): void {
  const stats = lstatIfThere(directory.at(name));
  if (stats && !stats.isSocket()) {
    throw new Error(`what the server has put where it is to listen is a ${kindOf(stats)}, and must be a socket`);
  }
}

/** Gives what listens at a private name its mode; says which file it is. */
function settle({ directory }: EndpointLock, privateName: string, mode: number): Identity {
  chmodSync(directory.at(privateName), mode);
  const stats = lstatIfThere(directory.at(privateName));
  if (!stats) throw new Error('the private directory was emptied by another program');
  return identityOf(stats);
}

/** Removes a name if, and only if, it still leads to this very file (I2). Says whether it did. */
export function unlinkIfSame({ directory }: Pick<EndpointLock, 'directory'>, name: string, file: Identity): boolean {
  const stats = lstatIfThere(directory.at(name));
  if (!stats || !sameFile(identityOf(stats), file)) return false;
  try {
    unlinkSync(directory.at(name));
    return true;
  } catch (error) {
    // A temp cleaner was quicker.
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** A path for bind(): short through the directory's descriptor, else as long as it is. */
function bindPath(lock: EndpointLock, name: string): string {
  const path = lock.directory.at(name);
  if (!reachesThroughDescriptors) assertPathFits(joinPath(lock.directory.path, name), maxSocketPathBytes);
  return path;
}

/** link() never replaces what is there: two publishers cannot both succeed. */
function linkNew(lock: EndpointLock, path: string, from: string, to: string): void {
  const { directory } = lock;
  for (;;) {
    try {
      linkSync(directory.at(from), directory.at(to));
      return;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      const found = lstatIfThere(directory.at(to));
      if (found) throw foreignFile(path, joinPath(directory.path, to), found);
      // It went in between: another owner is on its way out. Then the name is free.
    }
  }
}

function tolerate(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    // Gone, never made, or in the record for the next owner; anything but a system error is a mistake of ours.
    if (errnoOf(error) === undefined) throw error;
  }
}
