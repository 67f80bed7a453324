import type { Socket } from 'node:net';
import { connectToOwner } from '../control/to-owner.js';
import type { OutputPlace } from '../files/file-end.js';
import type { Claim } from './claim-request.js';
import { Membership } from './membership.js';
import type { MembershipStart, NotAttached } from './membership-start.js';
import { isWithoutDirectory } from './reasons.js';
import { ownerToAnswer } from './wait-reason.js';

/** The outcome of an attempt to attach; `no-owner` if no owner accepted a connection. */
type Attachment = 'attached' | NotAttached | 'no-owner';

async function attach(request: Claim, startedByUs: boolean): Promise<Attachment> {
  const { place, signal } = request;
  const socket = await connectControl(request);
  if (!socket) return 'no-owner';
  request.waitsFor(ownerToAnswer(place));
  const outcome = await Membership.attach(socket, memberStart(request, startedByUs), signal);
  return outcome ?? 'attached';
}

/**
 * Attaches to an owner that another process started. If its starter's working directory is gone, a claim that can serve
 * does not fail: it starts over.
 */
export async function attachToOther(request: Claim): Promise<Attachment> {
  try {
    return await attach(request, false);
  } catch (error) {
    if (request.serverSpec() === undefined || !isWithoutDirectory(error)) throw error;
    return 'closed';
  }
}

function memberStart(request: Claim, startedByUs: boolean): MembershipStart {
  const { place, settings, context, events, accept } = request;
  const canServe = request.serverSpec() !== undefined;
  const references = request.references();
  const starting = (output: OutputPlace | undefined) =>
    request.waitsFor({ waitingFor: 'the server to become ready', pid: undefined, ...(output && { output }) });
  return { place, settings, context, events, references, canServe, startedByUs, starting, accept };
}

/** Attaches to the owner that we started. Tells it if our claim was given up, because it waits for a member. */
export async function attachToStartedKeeper(request: Claim): Promise<Attachment> {
  try {
    return await attach(request, true);
  } catch (error) {
    if (request.signal.aborted) {
      const socket = await connectControl({ place: request.place, signal: new AbortController().signal });
      // What that owner could not remove does not fail our claim.
      const fault = (failure: unknown): void => request.context.fault(request.place.path, failure);
      if (socket) await Membership.visit(socket, memberStart(request, true)).catch(fault);
    }
    throw error;
  }
}

/** Connects to the control socket. Returns undefined if no owner accepts; the lock then tells why. */
export async function connectControl({ place, signal }: Pick<Claim, 'place' | 'signal'>): Promise<Socket | undefined> {
  const { path } = place;
  // An error of ours does not matter once the claim was given up.
  const socket = await connectToOwner(place, `connect to the owner of ${path}`).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
  if (typeof socket !== 'string') {
    if (signal.aborted) socket.destroy();
    signal.throwIfAborted();
    return socket;
  }
  signal.throwIfAborted();
  return undefined;
}
