import { Member } from '../sharing/member.js';
import { type SocketReference, slotOf } from './reference.js';

/**
 * The descriptor of the connection by which this process, as a member, holds the socket of a reference; undefined if it is the
 * owner, or seeks a new one. A child that inherits it holds the socket on when this process dies without a word: the hold counts
 * as long as any process has that connection open. Nothing may be read from it or written to it there.
 *
 * Internal: for the command line. A failover makes another connection, which no child has that was started before.
 */
export function holdDescriptor(reference: SocketReference): number | undefined {
  const { lease } = slotOf(reference).endpoint;
  if (!(lease instanceof Member)) return undefined;
  // Not in the documentation of Node, but the only way that leaves the connection to this process: a socket that is passed to
  // spawn() itself is taken from its parent.
  const { _handle: handle } = lease.connection as unknown as { readonly _handle?: { readonly fd?: number } | null };
  const fd = handle?.fd;
  return fd !== undefined && fd >= 0 ? fd : undefined;
}
