import { type Identity, identityOf, lstatIfThere, sameFile } from '../files/identity.js';
import { joinPath } from '../files/paths.js';
import type { Place } from '../files/place.js';
import { accepts } from './readiness.js';
import { listensAt } from './socket-table.js';

/** What has become of the socket that a server made at its private name. */
export type OwnSocket =
  /** The published one is the server's. */
  | { readonly kind: 'same' }
  /** The server listens at another one by now. */
  | { readonly kind: 'another' }
  /** Nothing accepts connections; `problem` says what was found instead. */
  | { readonly kind: 'none'; readonly problem: string };

/**
 * Looks what has become of a server's socket. The server is not connected to unless there is reason to doubt: it may log,
 * count or limit its connections.
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
    // Without its private name a server can still be reached by the published one.
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
