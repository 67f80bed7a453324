import type { Socket } from 'node:net';
import { isAway } from '../control/connected.js';
import { connectToOwner } from '../control/to-owner.js';
import { systemError } from '../errors/system.js';
import type { OutputPlace } from '../files/file-end.js';
import type { Claim } from './claim-request.js';
import { Membership } from './membership.js';
import type { MembershipStart, NotAttached } from './membership-start.js';
import { isWithoutDirectory } from './reasons.js';
import { ownerToAnswer } from './wait-reason.js';

/** What came of an attempt to attach; `nobody` if nothing could be connected to. */
type Attachment = 'attached' | NotAttached | 'nobody';

async function attach(request: Claim): Promise<Attachment> {
  const { place, signal } = request;
  const socket = await connectControl(request);
  if (!socket) return 'nobody';
  request.waitsFor(ownerToAnswer(place));
  const outcome = await Membership.attach(socket, memberStart(request), signal);
  return outcome ?? 'attached';
}

/** The same, to an owner that another process has started: what only it lacks is no reason for us to fail. */
export async function attachToOther(request: Claim): Promise<Attachment> {
  try {
    return await attach(request);
  } catch (error) {
    if (request.serverSpec() === undefined || !isWithoutDirectory(error)) throw error;
    return 'closed';
  }
}

function memberStart(request: Claim): MembershipStart {
  const { place, settings, context, events, accept } = request;
  const canServe = request.serverSpec() !== undefined;
  const references = request.references();
  const starting = (output: OutputPlace | undefined) =>
    request.waitsFor({ waitingFor: 'the server to become ready', pid: undefined, ...(output && { output }) });
  return { place, settings, context, events, references, canServe, starting, accept };
}

/** Attaches to the owner that we have had started; tells it if we do not want it any more, since it waits for us. */
export async function attachToHired(request: Claim): Promise<Attachment> {
  try {
    return await attach(request);
  } catch (error) {
    if (request.signal.aborted) {
      const socket = await connectControl({ ...request, signal: new AbortController().signal });
      // What the owner could not remove then is no reason of ours.
      const fault = (failure: unknown): void => request.context.fault(request.place.path, failure);
      if (socket) await Membership.visit(socket, memberStart(request)).catch(fault);
    }
    throw error;
  }
}

/** Undefined if nobody answers there: the lock will tell why. */
export async function connectControl({ place, signal }: Pick<Claim, 'place' | 'signal'>): Promise<Socket | undefined> {
  const connecting = connectToOwner(place);
  try {
    const socket = await connecting;
    if (socket && signal.aborted) {
      socket.destroy();
      signal.throwIfAborted();
    }
    return socket;
  } catch (error) {
    signal.throwIfAborted();
    if (isAway(error)) return undefined;
    throw systemError(error, place.path, `connect to the owner of ${place.path}`);
  }
}
