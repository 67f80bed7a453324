import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { isSocketReferenceError, messageOf, SocketReferenceError } from '../errors.js';
import type { OutputPlace } from '../files/file-end.js';
import { type Identity, lstatIfThere } from '../files/identity.js';
import { LockFile } from '../files/lock-file.js';
import { type NotLocked, peekRecord } from '../files/locking.js';
import type { Place } from '../files/place.js';
import { ownUid } from '../files/platform.js';
import { clearWay, endOrphans, type Reclaimed, reclaim } from '../files/reclaim.js';
import type { OwnerRecord } from '../files/record.js';
import {
  claimFirstPauseMs,
  claimLongestPauseMs,
  claimPauseGrowth,
  claimPausePerMemberMs,
  successionMs,
} from '../protocol/constants.js';
import { systemError } from '../system-errors.js';
import { connected, isAway } from './connected.js';
import { handlerService } from './handler-service.js';
import { hire, keepersFailed, type Position } from './hire.js';
import type { Lease, LeaseEvents, Peers } from './lease.js';
import { Member, type MemberStart, type NotAttached } from './member.js';
import { Owner } from './owner.js';
import type { Provider } from './provider.js';
import { isWithoutDirectory } from './reasons.js';
import type { OwnerSettings, Surroundings } from './settings.js';
import { giveBack, sweepHeld } from './sweep.js';

/** What a claim is waiting for, for the error of whoever gives up waiting. */
export interface Obstacle {
  readonly waitingFor: string;
  /** The process that holds the lock, if it is known. */
  readonly pid: number | undefined;
  /** When that process began, if it is known. */
  readonly start?: string | undefined;
  /** Where the output of the server is that does not become ready. */
  readonly output?: OutputPlace;
}

/** A claim on an endpoint: to become its owner, or a member of whoever is. */
export interface Claim {
  readonly place: Place;
  readonly settings: OwnerSettings;
  readonly surroundings: Surroundings;
  readonly events: LeaseEvents;
  /** What to serve with; undefined for one that can only join. Asked anew at each attempt. */
  provider(): Provider | undefined;
  /** References here, the acquires under way included; at least 1. */
  references(): number;
  /** Files that this process published in an earlier life of this endpoint. */
  readonly own: readonly Identity[];
  /** Set when the owner was lost: who held the endpoint then. They wait for a successor, even if they cannot serve. */
  readonly failover: Peers | undefined;
  /** Ends the claim. */
  readonly signal: AbortSignal;
  obstacle(what: Obstacle): void;
  /** Called in the tick in which the lease is there. */
  accept(lease: Lease): void;
}

/** So many keepers in a row may die before their server is up: more than bad luck takes, too few to wait for. */
const maxKeeperDeaths = 3;

/** What a claim has seen so far. */
interface Seen {
  /** When an owner was seen last that was about to go, or had gone without an end. */
  leaving: number;
  /** Keepers that have died before their server was up. */
  keeperDeaths: number;
}

/**
 * Claims an endpoint: attaches to its owner, or takes the lock and becomes it. Goes on until it has one of both, an
 * error, or is aborted.
 */
export async function claim(request: Claim): Promise<void> {
  const { signal } = request;
  let wait = claimFirstPauseMs + (request.failover?.members ?? 0) * claimPausePerMemberMs;
  const seen: Seen = { leaving: Number.NEGATIVE_INFINITY, keeperDeaths: 0 };
  for (;;) {
    try {
      if (await attempt(request, seen)) return;
    } catch (error) {
      signal.throwIfAborted();
      // A server that cannot be started will not be luckier next time, and everybody who waits for it is told so.
      if (!request.failover || isServerFailed(error)) throw error;
      // References are at stake: what fails now may work before their time is over.
      const message = messageOf(error);
      request.obstacle({ waitingFor: `a new owner; the last attempt failed: ${message}`, pid: undefined });
    }
    // Jittered, so that those who came together do not come again together.
    await pause(wait * (0.5 + Math.random()), undefined, { signal });
    wait = Math.min(wait * claimPauseGrowth, claimLongestPauseMs);
  }
}

/** Tries once to attach, then once to take the lock; false if it is worth trying again. */
async function attempt(request: Claim, seen: Seen): Promise<boolean> {
  const { place, signal } = request;
  signal.throwIfAborted();
  const attached = await attachToOther(request);
  if (attached === 'attached') return true;
  const { clock } = request.surroundings;
  if (attached !== 'nobody') seen.leaving = clock.now();
  signal.throwIfAborted();
  const taken = LockFile.attempt(place, request.provider() !== undefined);
  switch (taken.kind) {
    case 'held':
      return own(request, taken.lock, seen);
    case 'absent':
      if (!expectsOwner(request, seen)) throw notServed(place.path);
      request.obstacle({ waitingFor: 'a new owner', pid: undefined });
      return false;
    case 'busy':
      request.obstacle(heldBy(taken, attached === 'nobody' ? 'start' : 'end'));
      return false;
  }
}

/** The owner as an obstacle; its record is looked into when someone wants to know. */
function heldBy(taken: Extract<NotLocked, { kind: 'busy' }>, to: 'start' | 'end'): Obstacle {
  let known: Obstacle | undefined;
  const look = (): Obstacle => {
    if (known) return known;
    const { record } = taken;
    const pid = record?.pid;
    const who = pid === undefined ? '' : ` (pid ${pid})`;
    known = record?.stopping
      ? // It is alive and well; only its clients take their time.
        { waitingFor: `the last connections of the previous owner${who} to end`, pid: undefined }
      : { waitingFor: `the owner${who} to ${to}`, pid, start: record?.start };
    return known;
  };
  return {
    get waitingFor() {
      return look().waitingFor;
    },
    get pid() {
      return look().pid;
    },
    get start() {
      return look().start;
    },
  };
}

type Attachment = 'attached' | NotAttached | 'nobody';

async function attach(request: Claim): Promise<Attachment> {
  const { place, signal } = request;
  const socket = await connectControl(request);
  if (!socket) return 'nobody';
  request.obstacle({
    waitingFor: 'the owner to answer',
    // Looked up when someone wants to know: mostly it answers at once.
    get pid() {
      return ownerRecord(place)?.pid;
    },
    get start() {
      return ownerRecord(place)?.start;
    },
  });
  const outcome = await Member.attach(socket, memberStart(request), signal);
  return outcome ?? 'attached';
}

/** The same, to an owner that somebody else has started: what only it lacks is no reason for us to fail. */
async function attachToOther(request: Claim): Promise<Attachment> {
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
async function attachToHired(request: Claim): Promise<Attachment> {
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

/** Has a keeper become the owner, and attaches to it. */
async function ownByKeeper(request: Claim, position: Position, seen: Seen): Promise<boolean> {
  const keeper = await hire(position, request.signal);
  try {
    const attached = await attachToHired(request);
    if (attached === 'attached') return true;
    const death = attached === 'stopping' ? undefined : await keeper.death();
    if (!death) return false;
    if (++seen.keeperDeaths >= maxKeeperDeaths) throw await keepersFailed(request.place, seen.keeperDeaths, death);
    request.obstacle({ waitingFor: `a keeper; the last one ${death.how}`, pid: undefined });
    return false;
  } finally {
    keeper.letGo();
  }
}

async function connectControl({ place, signal }: Pick<Claim, 'place' | 'signal'>): Promise<Socket | undefined> {
  const at = place.directory.at(place.names.control);
  const stats = lstatIfThere(at);
  // Never speak to a socket of someone else: in a shared directory anybody could have put it there.
  if (!stats?.isSocket() || Number(stats.uid) !== ownUid()) return undefined;
  const socket = connect({ path: at });
  try {
    await connected(socket);
    signal.throwIfAborted();
    return socket;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    // The lock will tell which.
    if (isAway(error)) return undefined;
    throw systemError(error, place.path, `connect to the owner of ${place.path}`);
  }
}

/** What the record says of the owner, for messages only. */
function ownerRecord(place: Place): OwnerRecord | undefined {
  try {
    return peekRecord(place);
  } catch {
    // It would only make a message better; what is wrong with the file shows when it is to be locked.
    return undefined;
  }
}

/** Goes on with the lock in hand; false if it was of no use. Leaves nothing behind when it fails. */
async function own(request: Claim, lock: LockFile, seen: Seen): Promise<boolean> {
  const { place, settings, surroundings } = request;
  const { names, path } = place;
  const provider = request.provider();
  if (!provider) {
    const swept = await sweepHeld(lock);
    report(request, swept);
    if (swept.names.length > 0) seen.leaving = surroundings.clock.now();
    if (!expectsOwner(request, seen)) throw notServed(path);
    return false;
  }
  let repaired = false;
  try {
    const record = lock.wasEmpty ? undefined : lock.record();
    if (record && record.servers.length > 0) {
      request.obstacle({ waitingFor: "a dead keeper's server to end", pid: undefined });
      await endOrphans(record);
    }
    if (record) report(request, reclaim(lock, record));
    repaired = true;
    await clearWay(lock, names.control, settings.reclaim, request.own);
    await clearWay(lock, names.data, settings.reclaim, request.own);
    request.signal.throwIfAborted();
    const expected = request.failover?.dependents ?? 0;
    if (provider.kind === 'command') {
      return await ownByKeeper(request, { lock, server: provider.server, settings, expected }, seen);
    }
    const service = handlerService(provider.serve, settings, surroundings, path);
    const references = request.references();
    await Owner.start(
      { lock, service, settings, surroundings, events: request.events, references, expected },
      request.accept,
    );
    return true;
  } catch (error) {
    // If that cannot be found out, the failure at hand is the one to tell.
    const startOver = await isServedByAnother(request, lock, error).catch(() => false);
    try {
      // Its record is needed as long as what it names is there.
      if (repaired) giveBack(lock);
      else lock.release();
    } catch (left) {
      // The failure at hand is the one to tell.
      surroundings.fault(path, systemError(left, path, `remove what a failed start of ${path} has left`));
    }
    if (!startOver) throw systemError(error, path, `start the socket ${path}`);
    request.obstacle({ waitingFor: 'the owner to repair its files', pid: undefined });
    return false;
  }
}

/** Whether it is worth waiting for an owner although there is none. */
function expectsOwner({ failover, surroundings }: Claim, { leaving }: Seen): boolean {
  return failover !== undefined || surroundings.clock.now() - leaving < successionMs;
}

/**
 * Whether what lies in our way belongs to an owner after all: one whose lock file was removed, by a temp cleaner say, holds
 * a lock to which no name leads. It answers on its control socket, has the lock's path by now, or has gone.
 */
async function isServedByAnother(request: Claim, lock: LockFile, error: unknown): Promise<boolean> {
  if (!isSocketReferenceError(error) || error.code !== 'ERR_SOCKREF_ADDRESS_IN_USE') return false;
  const { directory, names } = request.place;
  if (lock.check() !== 'linked') return true;
  if (!lstatIfThere(directory.at(names.control)) && !lstatIfThere(directory.at(names.data))) return true;
  const socket = await connectControl(request);
  socket?.destroy();
  return socket !== undefined;
}

function isServerFailed(error: unknown): boolean {
  return isSocketReferenceError(error) && error.code === 'ERR_SOCKREF_SERVER_FAILED';
}

function report({ surroundings, place }: Claim, { pid, names }: Reclaimed): void {
  if (names.length > 0) surroundings.reclaimed(place.path, pid, names);
}

function notServed(path: string): SocketReferenceError {
  return new SocketReferenceError(
    'ERR_SOCKREF_NOT_SERVED',
    `Nobody serves ${path}; pass \`serve\` or \`server\` to have it served, or start the program that serves it first`,
    { path },
  );
}
