import { type BigIntStats, chmodSync, linkSync, mkdirSync, rmdirSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { errnoOf, systemError } from '../errors/system.js';
import { privateDirectoryMode, socketBacklog } from '../protocol/constants.js';
import type { Directory } from './directory.js';
import { foreignFile } from './foreign.js';
import { type Identity, identityOf, kindOf, lstatIfThere } from './identity.js';
import type { LockFile } from './lock-file.js';
import { assertPathFits, joinPath } from './paths.js';
import type { Place } from './place.js';
import { maxSocketPathBytes, reachesThroughDescriptors } from './platform.js';
import { privateDirectoryName } from './private-directory.js';
import { randomName } from './random.js';
import type { Published } from './record.js';
import { Remains, tolerate } from './remains.js';

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
        server.listen({ path, backlog: socketBacklog, exclusive: true }, () => {
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
 * given its mode, named in the record, and only then linked (I6, I2). On failure nothing of it remains but what the system
 * does not let go of, which `remains` and the record name.
 *
 * @param record - whether this process has a record already, or begins one with this
 */
export async function publish(
  lock: LockFile,
  publications: readonly Publication[],
  record: 'begin' | 'append' = 'append',
  remains = new Remains(() => {}),
): Promise<Identity[]> {
  const { directory, path } = lock.place;
  const linked: Published[] = [];
  const bound: string[] = [];
  let temporary: string | undefined;
  try {
    temporary = makeTemporary(lock, record, remains);
    const settled: { from: string; published: Published }[] = [];
    for (const { name, mode, from } of publications) {
      const privateName = `${temporary}/${randomName()}`;
      bound.push(privateName);
      if (typeof from === 'string') linkServers(directory, from, privateName);
      else await from.bind(bindPath(directory, privateName));
      settled.push({ from: privateName, published: { name, file: settle(directory, privateName, mode) } });
    }
    // All of them before the first has its name.
    lock.append(...settled.map(({ published }) => ({ published })));
    for (const { from, published } of settled) {
      linkNew(lock.place, from, published.name);
      linked.push(published);
    }
    return linked.map(({ file }) => file);
  } catch (error) {
    for (const { from } of publications) if (typeof from !== 'string') from.close();
    for (const published of linked) remains.unlink(directory, published);
    throw systemError(error, path, `publish the socket ${path}`);
  } finally {
    for (const name of bound) tolerate(() => unlinkSync(directory.at(name)));
    if (temporary !== undefined) removeTemporary(directory, temporary, remains);
  }
}

/** Makes a private directory in which sockets are bound. */
export function makeTemporary(lock: LockFile, record: 'begin' | 'append', remains: Remains): string {
  const temporary = privateDirectoryName();
  // Named in the record before it exists: a crash from here on leaves nothing that the next owner does not know of.
  if (record === 'begin') lock.begin({ temporary });
  else lock.append({ temporary });
  const { directory } = lock.place;
  const at = directory.at(temporary);
  try {
    mkdirSync(at, privateDirectoryMode);
    // A umask may have taken from it what we need.
    chmodSync(at, privateDirectoryMode);
    return temporary;
  } catch (error) {
    removeTemporary(directory, temporary, remains);
    throw error;
  }
}

/** Removes a private directory that is empty. */
function removeTemporary(directory: Directory, name: string, remains: Remains): void {
  try {
    rmdirSync(directory.at(name));
  } catch (error) {
    // Gone already, or never made.
    if (errnoOf(error) !== 'ENOENT') remains.removeDirectory(directory, name);
  }
}

/**
 * Gives a server's socket a name that the server does not know: what it does at its own name meanwhile cannot have another
 * file published than the one that is looked at, gets the mode, and is named in the record.
 */
function linkServers(directory: Directory, from: string, to: string): void {
  // First of all: some systems follow a link here.
  assertSocket(lstatIfThere(directory.at(from)));
  linkSync(directory.at(from), directory.at(to));
  assertSocket(lstatIfThere(directory.at(to)));
}

/** What a server has put there may be anything: a link would lead the change of the mode, and clients, to somewhere else. */
function assertSocket(stats: BigIntStats | undefined): void {
  if (stats && !stats.isSocket()) {
    throw new Error(`what the server has put where it is to listen is a ${kindOf(stats)}, and must be a socket`);
  }
}

/** Gives what listens at a private name its mode; says which file it is. */
function settle(directory: Directory, privateName: string, mode: number): Identity {
  chmodSync(directory.at(privateName), mode);
  const stats = lstatIfThere(directory.at(privateName));
  if (!stats) throw new Error('the private directory was emptied by another program');
  return identityOf(stats);
}

/** A path for bind(): short through the directory's descriptor, else as long as it is. */
function bindPath(directory: Directory, name: string): string {
  const path = directory.at(name);
  if (!reachesThroughDescriptors) assertPathFits(joinPath(directory.path, name), maxSocketPathBytes);
  return path;
}

/** link() never replaces what is there: two publishers cannot both succeed. */
function linkNew({ directory, path }: Place, from: string, to: string): void {
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
