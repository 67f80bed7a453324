import type { Anchor } from '../control/anchor.js';
import { Membership } from '../ownership/membership.js';
import { type SocketReference, stateOf } from './reference.js';

/** A descriptor by which a child that inherits it holds a reference on when this process dies without a word. */
export interface HoldDescriptor {
  readonly kind: 'descriptor';
  readonly fd: number;
  readonly ended: Anchor['ended'];
  /** Closes this process's own copy, once the child has its own. */
  close(): void;
}

/** Why there is none. */
export type NoHoldDescriptor = { readonly kind: 'none'; readonly because: 'older-owner' | 'owner-lost' };

/**
 * Opens a descriptor that can do nothing but be open, by which the owner of a socket counts the references of this process as
 * long as anybody has it: what is written to it means nothing, and there is nothing to be read.
 *
 * Internal: for the command line. It ends with its owner; a successor knows nothing of it.
 */
export async function holdDescriptor(reference: SocketReference): Promise<HoldDescriptor | NoHoldDescriptor> {
  const { lease } = stateOf(reference).endpoint;
  if (!(lease instanceof Membership)) return { kind: 'none', because: 'owner-lost' };
  if (!lease.knowsAnchors) return { kind: 'none', because: 'older-owner' };
  const anchor = await lease.anchor();
  // Not in the documentation of Node, but the only way that leaves the connection to this process: a socket that is passed to
  // spawn() itself is taken from its parent.
  const { _handle: handle } = (anchor?.socket ?? {}) as { readonly _handle?: { readonly fd?: number } | null };
  const fd = handle?.fd ?? -1;
  if (!anchor || fd < 0) return { kind: 'none', because: 'owner-lost' };
  return { kind: 'descriptor', fd, ended: anchor.ended, close: () => void anchor.socket.destroy() };
}
