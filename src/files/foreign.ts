import type { BigIntStats } from 'node:fs';
import { quote, SocketReferenceError } from '../errors/error.js';
import { kindOf } from './identity.js';
import { ownUid } from './platform.js';

/**
 * The error for a foreign file at a path that we need. The file is never removed, replaced or followed.
 *
 * @param path - the socket that was requested
 * @param at - where the file is
 */
export function foreignFile(path: string, at: string, stats: BigIntStats, detail = ''): SocketReferenceError {
  const found = kindOf(stats);
  const uid = Number(stats.uid);
  const whose = uid === ownUid() ? '' : ` of uid ${uid}`;
  const advice =
    found === 'socket' && uid === ownUid()
      ? "if nothing serves it any more, pass reclaim: 'stale' or remove it; else choose another path"
      : 'remove it if it is not needed, or choose another path';
  return new SocketReferenceError(
    'ERR_SOCKREF_ADDRESS_IN_USE',
    `A ${found}${whose} that sockref did not make lies at ${quote(at)}${detail}; ${advice}`,
    { path, found, uid },
  );
}
