import type { Socket } from 'node:net';
import type { OutputPlace } from '../files/file-end.js';
import { systemError } from '../system-errors.js';
import type { Claim } from './claim-request.js';
import { isAway } from './connected.js';
import { Member } from './member.js';
import type { MemberStart, NotAttached } from './member-start.js';
import { ownerToAnswer } from './obstacle.js';
import { isWithoutDirectory } from './reasons.js';
import { connectToOwner } from './to-owner.js';

/** What came of an attempt to attach; `nobody` if nothing could be connected to. */
type Attachment = 'attached' | NotAttached | 'nobody';

async function attach(request: Claim): Promise<Attachment> {
  const { place, signal } = request;
  const socket = await connectControl(request);
  if (!socket) return 'nobody';
  request.obstacle(ownerToAnswer(place));
  const outcome = await Member.attach(socket, memberStart(request), signal);
  return outcome ?? 'attached';
}

/** The same, to an owner that another process has started: what only it lacks is no reason for us to fail. */
export async function attachToOther(request: Claim): Promise<Attachment> {
  try {
    return await attach(request);
  } catch (error) {
    if (request.provider() === undefined || !isWithoutDirectory(error)) throw error;
    return 'closed';
  }
}

function memberStart(request: Claim): MemberStart {
  const { place, settings, surroundings, events, accept } = request;
  const canServe = request.provider() !== undefined;
  const references = request.references();
  const starting = (output: OutputPlace | undefined) =>
    request.obstacle({ waitingFor: 'the server to become ready', pid: undefined, ...(output && { output }) });
  return { place, settings, surroundings, events, references, canServe, starting, accept };
}

/** Attaches to the owner that we have had started; tells it if we do not want it any more, since it waits for us. */
export async function attachToHired(request: Claim): Promise<Attachment> {
  try {
    return await attach(request);
  } catch (error) {
    if (request.signal.aborted) {
      const socket = await connectControl({ ...request, signal: new AbortController().signal });
      // What the owner could not remove then is no reason of ours.
      const fault = (failure: unknown): void => request.surroundings.fault(request.place.path, failure);
      if (socket) await Member.visit(socket, memberStart(request)).catch(fault);
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
