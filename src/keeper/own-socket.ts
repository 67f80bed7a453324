import { type Identity, identityOf, lstatIfThere, sameFile } from '../files/identity.js';
import { joinPath } from '../files/paths.js';
import type { Place } from '../files/place.js';
import { accepts } from './readiness.js';
import { listensAt } from './socket-table.js';

/** What happened to the socket that a server created at its private name. */
export type OwnSocket =
  /** The published socket is the server's. */
  | { readonly kind: 'same' }
  /** The server listens at another socket by now. */
  | { readonly kind: 'another' }
  /** Nothing accepts connections; `problem` says what was found instead. */
  | { readonly kind: 'none'; readonly problem: string };

/**
 * Finds out what happened to a server's socket. It connects to the server only if there is a reason to doubt, because
 * the server may log, count or limit its connections.
 *
 * @param privateName - where the server listens
 * @param published - which socket was published
 * @param listed - whether the kernel's table has listed the server as listening at that name before
 */
export async function lookAtOwnSocket(
  place: Place,
  privateName: string,
  published: Identity | undefined,
  listed: boolean,
): Promise<OwnSocket> {
  const { directory, names } = place;
  const stats = lstatIfThere(directory.at(privateName));
  const file = stats?.isSocket() ? identityOf(stats) : undefined;
  const isPublished = file !== undefined && published !== undefined && sameFile(file, published);
  if (file === undefined || isPublished) {
    // If its private name is gone, a server can still be reached through the published one.
    const listening = listed ? listensAt(joinPath(directory.path, privateName)) : undefined;
    if (listening ?? isPublished) return { kind: 'same' };
    const at = directory.at(isPublished ? privateName : names.data);
    if (published !== undefined && (await accepts(at, place.path))) return { kind: 'same' };
    return isPublished ? none('nothing accepts connections at its socket') : none('its socket is gone');
  }
  if (await accepts(directory.at(privateName), place.path)) return { kind: 'another' };
  return none('it has made another socket, at which nothing accepts connections yet');
}

function none(problem: string): OwnSocket {
  return { kind: 'none', problem };
}
