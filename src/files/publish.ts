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

/** Something that listens once it is bound to a path. */
export interface Listener {
  /** Binds to a path and listens there. Rejects with the error of the system. */
  bind(path: string): Promise<void>;
  /** Stops accepting. Idempotent. */
  close(): void;
  /** Keeps the process alive from now on, until `unref`. */
  ref(): void;
  unref(): void;
}

/** A socket to publish: its listener, its name and its mode. */
export interface Publication {
  readonly name: string;
  readonly mode: number;
  /** The listener; or the name, in a private directory, at which a server already listens. That name is left alone. */
  readonly from: Listener | string;
}

/** Makes a {@link Listener} of a server of Node. */
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
 * Makes sockets visible at their final names. Each is complete before that: it is bound and listening in a private
 * directory, has its mode, and is named in the record; only then it is linked (I6, I2). After a failure nothing remains
 * except what the system does not let us remove; `remains` and the record name that.
 *
 * @param record - whether this process already has a record, or begins one with this
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
    // All of them, before the first one gets its name.
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

/** Creates a private directory in which sockets are bound. */
export function makeTemporary(lock: LockFile, record: 'begin' | 'append', remains: Remains): string {
  const temporary = privateDirectoryName();
  // Named in the record before it exists: after a crash from here on, the next owner knows all that is left.
  if (record === 'begin') lock.begin({ temporary });
  else lock.append({ temporary });
  const { directory } = lock.place;
  const at = directory.at(temporary);
  try {
    mkdirSync(at, privateDirectoryMode);
    // A umask may have removed bits that we need.
    chmodSync(at, privateDirectoryMode);
    return temporary;
  } catch (error) {
    removeTemporary(directory, temporary, remains);
    throw error;
  }
}

/** Removes an empty private directory. */
function removeTemporary(directory: Directory, name: string, remains: Remains): void {
  try {
    rmdirSync(directory.at(name));
  } catch (error) {
    // Already removed, or never created.
    if (errnoOf(error) !== 'ENOENT') remains.removeDirectory(directory, name);
  }
}

/**
 * Gives a server's socket a second name, which the server does not know. The file that we check, chmod, record and
 * publish is then the same one, even if the server replaces the file at its own name meanwhile.
 */
function linkServers(directory: Directory, from: string, to: string): void {
  // First, because some systems follow a link here.
  assertSocket(lstatIfThere(directory.at(from)));
  linkSync(directory.at(from), directory.at(to));
  assertSocket(lstatIfThere(directory.at(to)));
}

/**
 * The server may have put anything there. Through a link we would change the mode of another file, and lead clients to
 * it.
 */
function assertSocket(stats: BigIntStats | undefined): void {
  if (stats && !stats.isSocket()) {
    throw new Error(`the server put a ${kindOf(stats)} at the path where it must listen, and not a socket`);
  }
}

/** Sets the mode of the socket at a private name. Returns which file it is. */
function settle(directory: Directory, privateName: string, mode: number): Identity {
  chmodSync(directory.at(privateName), mode);
  const stats = lstatIfThere(directory.at(privateName));
  if (!stats) throw new Error('another program emptied the private directory');
  return identityOf(stats);
}

/** A path for bind(): a short one through the directory's descriptor, else the full one. */
function bindPath(directory: Directory, name: string): string {
  const path = directory.at(name);
  if (!reachesThroughDescriptors) assertPathFits(joinPath(directory.path, name), maxSocketPathBytes);
  return path;
}

/** link() never replaces a file: two publishers cannot both succeed. */
function linkNew({ directory, path }: Place, from: string, to: string): void {
  for (;;) {
    try {
      linkSync(directory.at(from), directory.at(to));
      return;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      const found = lstatIfThere(directory.at(to));
      if (found) throw foreignFile(path, joinPath(directory.path, to), found);
      // The file vanished in between: another owner is ending. Then the name is free.
    }
  }
}
