import type { Anchor } from '../control/anchor.js';
import { Membership } from '../ownership/membership.js';
import { type SocketReference, stateOf } from './reference.js';

/** A descriptor that a child process inherits. It keeps the reference when this process dies without releasing it. */
export interface ReferenceDescriptor {
  readonly kind: 'descriptor';
  readonly fd: number;
  readonly ended: Anchor['ended'];
  /** Closes this process's copy, once the child has its own. */
  close(): void;
}

/** Why there is no descriptor. */
export type NoReferenceDescriptor = { readonly kind: 'none'; readonly because: 'older-owner' | 'owner-lost' };

/**
 * Opens a descriptor that does nothing but stay open. The owner counts the references of this process as long as any
 * process has it open. The owner ignores writes to it, and reads find its end. The descriptor ends with its owner; a
 * successor does not know it. Internal: for the command line.
 */
export async function openReferenceDescriptor(
  reference: SocketReference,
): Promise<ReferenceDescriptor | NoReferenceDescriptor> {
  const { lease } = stateOf(reference).endpoint;
  if (!(lease instanceof Membership)) return { kind: 'none', because: 'owner-lost' };
  if (!lease.knowsAnchors) return { kind: 'none', because: 'older-owner' };
  const anchor = await lease.anchor();
  // Node does not document this. It is the only way that leaves the connection with this process: `spawn()` takes a
  // socket that is passed to it away from its parent.
  const { _handle: handle } = (anchor?.socket ?? {}) as { readonly _handle?: { readonly fd?: number } | null };
  const fd = handle?.fd ?? -1;
  if (!anchor || fd < 0) return { kind: 'none', because: 'owner-lost' };
  return { kind: 'descriptor', fd, ended: anchor.ended, close: () => void anchor.socket.destroy() };
}
