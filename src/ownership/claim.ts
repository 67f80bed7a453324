import { setTimeout as pause } from 'node:timers/promises';
import { isSocketReferenceError, messageOf } from '../errors/error.js';
import { systemError } from '../errors/system.js';
import { lstatIfThere } from '../files/identity.js';
import { endOrphans, freeName, type Reclaimed, reclaim } from '../files/leftovers.js';
import { LockFile } from '../files/lock-file.js';
import {
  claimFirstPauseMs,
  claimLongestPauseMs,
  claimPauseGrowth,
  claimPausePerMemberMs,
  successionMs,
} from '../protocol/constants.js';
import { inProcessServer } from '../serving/in-process-server.js';
import { attachToOther, attachToStartedKeeper, connectControl } from './attach.js';
import type { Claim } from './claim-request.js';
import { Owner } from './owner.js';
import { notServed } from './reasons.js';
import { giveLockBack, removeLeftoversUnder } from './remove-leftovers.js';
import { type KeeperStart, keepersFailed, keepersKeepDying, startKeeper } from './start-keeper.js';
import { heldBy } from './wait-reason.js';

/** How many keepers in a row may die before their server is up: enough for bad luck, too few to wait long. */
const maxKeeperDeaths = 3;

/** What a claim has seen so far. */
interface Seen {
  /** When the claim last saw an owner that was ending or had died. */
  leaving: number;
  /** Keepers that have died before their server was up. */
  keeperDeaths: number;
}

/**
 * Claims an endpoint: attaches to its owner, or takes the lock and becomes the owner. Repeats that until it succeeds,
 * fails, or is aborted.
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
      // A server that cannot be started would fail again. All waiting members get that error.
      if (!request.failover || isServerFailed(error)) throw error;
      // References are at stake: a later attempt may succeed before their time is over.
      const message = messageOf(error);
      request.waitsFor({ waitingFor: `a new owner; the last attempt failed: ${message}`, pid: undefined });
    }
    // With a random part, so that simultaneous claims do not repeat simultaneously.
    await pause(wait * (0.5 + Math.random()), undefined, { signal });
    wait = Math.min(wait * claimPauseGrowth, claimLongestPauseMs);
  }
}

/** Tries once to attach, then once to take the lock. Returns false if another attempt may help. */
async function attempt(request: Claim, seen: Seen): Promise<boolean> {
  const { place, signal } = request;
  signal.throwIfAborted();
  const attached = await attachToOther(request);
  if (attached === 'attached') return true;
  const { clock } = request.context;
  if (attached !== 'no-owner') seen.leaving = clock.now();
  signal.throwIfAborted();
  const taken = LockFile.attempt(place, request.serverSpec() !== undefined);
  switch (taken.kind) {
    case 'held':
      return becomeOwner(request, taken.lock, seen);
    case 'absent':
      if (!expectsOwner(request, seen)) throw notServed(place.path);
      request.waitsFor({ waitingFor: 'a new owner', pid: undefined });
      return false;
    case 'busy':
      request.waitsFor(heldBy(taken, attached === 'no-owner' ? 'start' : 'end'));
      return false;
  }
}

/** Starts a keeper as the owner, and attaches to it. */
async function becomeOwnerByKeeper(request: Claim, position: KeeperStart, seen: Seen): Promise<boolean> {
  const { keeperDeaths, place, context } = request;
  // A keeper that dies ends its server, too, so the number of its successors is limited like restarts of the server.
  if (keeperDeaths.inRow > Math.max(position.server.restart, maxKeeperDeaths - 1)) {
    throw keepersKeepDying(place, keeperDeaths.inRow);
  }
  const keeper = await startKeeper(position, request.signal);
  try {
    const attached = await attachToStartedKeeper(request);
    if (attached === 'attached') {
      keeperDeaths.up(context.clock.now());
      return true;
    }
    const death = attached === 'stopping' ? undefined : await keeper.death();
    if (!death) return false;
    if (++seen.keeperDeaths >= maxKeeperDeaths) throw await keepersFailed(place, seen.keeperDeaths, death);
    request.waitsFor({ waitingFor: `a keeper; the last one ${death.how}`, pid: undefined });
    return false;
  } finally {
    keeper.detach();
  }
}

/** Continues with the lock. Returns false if the claim must start over. Leaves nothing behind when it fails. */
async function becomeOwner(request: Claim, lock: LockFile, seen: Seen): Promise<boolean> {
  const { place, settings, context } = request;
  const { names, path } = place;
  const serverSpec = request.serverSpec();
  if (!serverSpec) {
    const reclaimed = await removeLeftoversUnder(lock);
    report(request, reclaimed);
    if (reclaimed.names.length > 0) seen.leaving = context.clock.now();
    if (!expectsOwner(request, seen)) throw notServed(path);
    return false;
  }
  let repaired = false;
  try {
    const record = lock.wasEmpty ? undefined : lock.record();
    if (record && record.servers.length > 0) {
      request.waitsFor({ waitingFor: "a dead keeper's server to end", pid: undefined });
      await endOrphans(record);
    }
    if (record) report(request, reclaim(lock, record));
    repaired = true;
    await freeName(lock, names.control, settings.reclaim, request.own);
    await freeName(lock, names.data, settings.reclaim, request.own);
    request.signal.throwIfAborted();
    const awaitedDependents = request.failover?.dependents ?? 0;
    if (serverSpec.kind === 'command') {
      return await becomeOwnerByKeeper(request, { lock, server: serverSpec.server, settings, awaitedDependents }, seen);
    }
    const server = inProcessServer(serverSpec.serve, settings, context, path);
    const references = request.references();
    await Owner.start(
      { lock, server, settings, context, events: request.events, references, awaitedDependents },
      request.accept,
    );
    return true;
  } catch (error) {
    // If this check fails, report the first failure.
    const startOver = await isServedByAnother(request, lock, error).catch(() => false);
    try {
      // Its record is needed as long as the files that it names exist.
      if (repaired) giveLockBack(lock);
      else lock.release();
    } catch (left) {
      // Report the first failure to the caller, and this one as a fault.
      context.fault(path, systemError(left, path, `remove what a failed start of ${path} has left`));
    }
    if (!startOver) throw systemError(error, path, `start the socket ${path}`);
    request.waitsFor({ waitingFor: 'the owner to repair its files', pid: undefined });
    return false;
  }
}

/** Whether to wait for an owner although there is none now. */
function expectsOwner({ failover, context }: Claim, { leaving }: Seen): boolean {
  return failover !== undefined || context.clock.now() - leaving < successionMs;
}

/**
 * Whether the file in our way belongs to a live owner whose lock file was removed, for example by a temp cleaner. Such an
 * owner holds a lock without a name. It answers on its control socket, has a new lock file by now, or has ended.
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

function report({ context, place }: Claim, { pid, names }: Reclaimed): void {
  if (names.length > 0) context.reclaimed(place.path, pid, names);
}
