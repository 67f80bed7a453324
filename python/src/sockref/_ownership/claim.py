"""A claim on an endpoint: to become its owner, or a member of its owner."""

from __future__ import annotations

import asyncio
import math
import random

from .._control.inspect import ask
from .._files.close import close_object
from .._files.file_end import OutputPlace
from .._files.leftovers import Reclaimed, end_orphans, free_name, reclaim, servers_of
from .._files.lock_file import LockFile
from .._files.locking import Absent, Busy
from .._protocol.constants import (
    CLAIM_FIRST_PAUSE_SECONDS,
    CLAIM_LONGEST_PAUSE_SECONDS,
    CLAIM_PAUSE_GROWTH,
    CLAIM_PAUSE_PER_MEMBER_SECONDS,
    DEFAULT_RESTART,
    SUCCESSION_SECONDS,
)
from .._serving.server_spec import Serve, ServerCommand
from .._system_errors import system_error
from ..errors import SocketReferenceError
from .attach import attach, attach_to_other, connect_control
from .claim_request import Claim
from .command import CommandHolder, keepers_keep_dying
from .membership import Membership
from .owner import Owner
from .owner_start import OwnerStart
from .reasons import not_served
from .remove_leftovers import give_lock_back, remove_leftovers_under
from .wait_reason import WaitReason, held_by

_LOOK = 0.25
"""Seconds between two questions for the output of a starting server. A server that starts quickly is not asked."""


class _Seen:
    """What a claim has seen and done so far."""

    leaving = -math.inf
    """When the claim last saw an owner that was ending or had died."""

    starter: CommandHolder | None = None
    """The `sockref run` that starts the server, if a command serves."""


async def claim(request: Claim) -> None:
    """Claims an endpoint: attaches to its owner, or takes the lock and becomes the owner. Repeats that until it succeeds,
    fails, or is cancelled."""
    members = request.failover.members if request.failover else 0
    wait = CLAIM_FIRST_PAUSE_SECONDS + members * CLAIM_PAUSE_PER_MEMBER_SECONDS
    seen = _Seen()
    try:
        await _claim(request, seen, wait)
    except asyncio.CancelledError:
        if seen.starter is not None:
            # It ends its keeper, if no other process needs that: wait for the last file to go.
            await seen.starter.detach_and_wait()
        raise
    finally:
        if seen.starter is not None:
            seen.starter.detach()


async def _claim(request: Claim, seen: _Seen, wait: float) -> None:
    while True:
        try:
            if await _attempt(request, seen):
                return
        except Exception as error:
            # A server that cannot be started would fail again.
            if request.failover is None or _is_server_failed(error):
                raise
            # References are at stake: a later attempt may succeed before their time is over.
            request.claimant.waits_for(WaitReason(f"a new owner; the last attempt failed: {error}"))
        # With a random part, so that simultaneous claims do not repeat simultaneously.
        await asyncio.sleep(wait * (0.5 + random.random()))
        wait = min(wait * CLAIM_PAUSE_GROWTH, CLAIM_LONGEST_PAUSE_SECONDS)


async def _attempt(request: Claim, seen: _Seen) -> bool:
    """Tries once to attach, then once to take the lock. Returns False if another attempt may help."""
    place, claimant = request.place, request.claimant
    attached = await attach_to_other(request)
    if attached == "attached":
        return True
    if attached != "no-owner":
        seen.leaving = request.context.loop.time()
    server_spec = claimant.server_spec()
    if isinstance(server_spec, ServerCommand):
        return await _start_command(request, server_spec, seen)
    can_serve = server_spec is not None
    taken = LockFile.attempt(place, create=can_serve)
    match taken:
        case LockFile():
            return await _own(request, server_spec, taken, seen)
        case Absent():
            if not _expects_owner(request, seen):
                raise not_served(place.path)
            claimant.waits_for(WaitReason("a new owner"))
        case Busy():
            claimant.waits_for(held_by(taken, "start" if attached == "no-owner" else "end"))
    return False


async def _start_command(request: Claim, server: ServerCommand, seen: _Seen) -> bool:
    """Starts a server through the command line, and attaches to its keeper. The command line is a claimant, too."""
    deaths = request.keeper_deaths
    # A keeper that dies ends its server, too, so the number of its successors is limited like restarts of the server.
    if deaths.in_row > DEFAULT_RESTART:
        raise keepers_keep_dying(request.place.path, server, deaths.in_row)
    if seen.starter is not None:
        # The keeper that it started has ended, or is not the owner that we met.
        seen.starter.detach()
    request.claimant.waits_for(WaitReason("the server to become ready"))
    seen.starter = CommandHolder(request.context.loop, request.place.path, server, request.settings)
    looking = request.context.loop.create_task(_find_output(request))
    try:
        await seen.starter.ready()
    finally:
        looking.cancel()
    attached: list[Membership] = []
    if await attach(request, attached.append) != "attached":
        return False
    [member] = attached
    try:
        # Until then its reference counts, too, and it would be the last holder in our place.
        await seen.starter.detach_and_wait()
    except asyncio.CancelledError:
        # The claimant gives the lease up.
        request.claimant.accept(member)
        raise
    if not member.is_attached:
        return False
    deaths.up(request.context.loop.time())
    request.claimant.accept(member)
    return True


async def _find_output(request: Claim) -> None:
    """Asks where the output of the starting server is, for the error of an acquire whose time is over."""
    place = request.place
    while True:
        await asyncio.sleep(_LOOK)
        try:
            holders = await ask(place, _LOOK)
        except SocketReferenceError:
            # It would only improve an error.
            continue
        output = holders.get("server", {}).get("output") if holders else None
        if output is not None:
            waiting_for = "the server to become ready"
            request.claimant.waits_for(WaitReason(waiting_for, output=OutputPlace(output["file"], output["from"])))
            return


async def _own(request: Claim, serve: Serve | None, lock: LockFile, seen: _Seen) -> bool:
    """Continues with the lock. Returns False if the claim must start over. Leaves nothing behind when it fails."""
    place, path = request.place, request.place.path
    if serve is None:
        swept = await remove_leftovers_under(lock)
        _report(request, swept)
        if swept.names:
            seen.leaving = request.context.loop.time()
        if not _expects_owner(request, seen):
            raise not_served(path)
        return False
    repaired = False
    try:
        record = None if lock.was_empty else lock.record()
        if servers_of(record):
            request.claimant.waits_for(WaitReason("a dead keeper's server to end"))
            await end_orphans(record)
        _report(request, reclaim(lock, record))
        repaired = True
        for name in (place.names.control, place.names.data):
            free_name(lock, name, request.settings.reclaim, request.own)
        start = OwnerStart(
            lock=lock,
            serve=serve,
            settings=request.settings,
            context=request.context,
            events=request.events,
            references=request.claimant.references(),
            awaited_dependents=request.failover.dependents if request.failover else 0,
        )
        Owner.start(start, request.claimant.accept)
        return True
    except BaseException as error:
        start_over = _is_served_by_another(lock, error)
        try:
            # Its record is needed as long as the files that it names exist.
            if repaired:
                give_lock_back(lock)
            else:
                lock.release()
        except Exception as left:
            # Report the first failure to the caller, and this one as a fault.
            doing = f"remove what a failed start of {path} has left"
            request.context.hooks.fault(path, system_error(left, path, doing))
        if not isinstance(error, Exception):
            raise
        if not start_over:
            raise system_error(error, path, f"start the socket {path}") from error
        request.claimant.waits_for(WaitReason("the owner to repair its files"))
        return False


def _is_server_failed(error: Exception) -> bool:
    return isinstance(error, SocketReferenceError) and error.code == "ERR_SOCKREF_SERVER_FAILED"


def _expects_owner(request: Claim, seen: _Seen) -> bool:
    """Whether to wait for an owner although there is none now."""
    return request.failover is not None or request.context.loop.time() - seen.leaving < SUCCESSION_SECONDS


def _is_served_by_another(lock: LockFile, error: BaseException) -> bool:
    """Whether the file in our way belongs to a live owner whose lock file was removed, for example by a temp cleaner.

    Such an owner holds a lock without a name. It answers on its control socket, has a new lock file by now, or has ended.
    """
    if not isinstance(error, SocketReferenceError) or error.code != "ERR_SOCKREF_ADDRESS_IN_USE":
        return False
    try:
        if lock.check() != "linked":
            return True
        place = lock.place
        names = (place.names.control, place.names.data)
        if not any(place.directory.look(name) for name in names):
            return True
        sock = connect_control(place)
    except (OSError, SocketReferenceError):
        # If this check fails, report the first failure.
        return False
    if sock is None:
        return False
    close_object(sock)
    return True


def _report(request: Claim, reclaimed: Reclaimed) -> None:
    if reclaimed.names:
        request.context.hooks.reclaimed(request.place.path, reclaimed.pid, reclaimed.names)
