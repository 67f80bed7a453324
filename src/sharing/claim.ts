import { setTimeout as pause } from 'node:timers/promises';
import { isSocketReferenceError, messageOf } from '../errors.js';
import { lstatIfThere } from '../files/identity.js';
import { LockFile } from '../files/lock-file.js';
import { clearWay, endOrphans, type Reclaimed, reclaim } from '../files/reclaim.js';
import {
  claimFirstPauseMs,
  claimLongestPauseMs,
  claimPauseGrowth,
  claimPausePerMemberMs,
  successionMs,
} from '../protocol/constants.js';
import { systemError } from '../system-errors.js';
import { attachToHired, attachToOther, connectControl } from './attach.js';
import type { Claim } from './claim-request.js';
import { handlerService } from './handler-service.js';
import { hire, keepersFailed, type Position } from './hire.js';
import { heldBy } from './obstacle.js';
import { Owner } from './owner.js';
import { notServed } from './reasons.js';
import { giveBack, sweepHeld } from './sweep.js';

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
