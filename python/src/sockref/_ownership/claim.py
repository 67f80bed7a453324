"""A claim on an endpoint: to become its owner, or a member of its owner."""

from __future__ import annotations

import asyncio
import math
import random
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from .._control.inspect import ask
from .._control.to_owner import connect_to_owner
from .._files.close import close_object
from .._files.file_end import OutputPlace
from .._files.identity import Identity
from .._files.leftovers import Reclaimed, end_orphans, free_name, reclaim, servers_of
from .._files.lock_file import LockFile
from .._files.locking import Absent, Busy, peek_record
from .._files.place import Place
from .._files.record import OwnerRecord
from .._protocol.constants import (
    CLAIM_FIRST_PAUSE_SECONDS,
    CLAIM_LONGEST_PAUSE_SECONDS,
    CLAIM_PAUSE_GROWTH,
    CLAIM_PAUSE_PER_MEMBER_SECONDS,
    SUCCESSION_SECONDS,
)
from .._serving.server_spec import Serve, ServerCommand, ServerSpec
from .._system_errors import system_error
from ..errors import SocketReferenceError
from .command import CommandHolder, keepers_keep_dying
from .keeper_deaths import KeeperDeaths
from .lease import Context, Lease, LeaseEvents, Peers
from .membership import Membership
from .membership_start import MembershipStart, NotAttached
from .owner import Owner, OwnerStart
from .reasons import is_without_directory
from .remove_leftovers import give_lock_back, remove_leftovers_under
from .settings import OwnerSettings

_MAX_KEEPERS_AGAIN = 5
"""How many keepers in a row may be replaced that died soon after their server was up: as many as restarts of a server."""

_LOOK = 0.25
"""Seconds between two questions for the output of a starting server. A server that starts quickly is not asked."""


@dataclass(frozen=True, slots=True)
class WaitReason:
    """What a claim is waiting for, for the error when its time is over.

    `pid` holds the lock, and started at `start`, if known. `output` is that of a server that does not become ready.
    """

    waiting_for: str
    pid: int | None = None
    start: str | None = None
    output: OutputPlace | None = None


class Claimant(Protocol):
    """What a claim needs from its endpoint."""

    def server_spec(self) -> ServerSpec | None:
        """What to serve with; None for a claim that can only join. Called at each attempt."""
        ...

    def references(self) -> int:
        """References here, including pending acquires; at least 1."""
        ...

    def waits_for(self, what: WaitReason) -> None: ...

    def accept(self, lease: Lease) -> None:
        """Called in the turn in which the claim gets its lease."""
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim needs.

    `own` are files that this process published in an earlier life of this endpoint. `failover` is set when the owner was
    lost: the holders at that moment. They wait for a successor, even if they cannot serve.
    """

    place: Place
    settings: OwnerSettings
    context: Context
    events: LeaseEvents
    claimant: Claimant
    own: Sequence[Identity]
    failover: Peers | None
    keeper_deaths: KeeperDeaths


class _Seen:
    """What a claim has seen and done so far."""

    leaving = -math.inf
    """When the claim last saw an owner that was ending or had died."""

    starter: CommandHolder | None = None
    """The `sockref run` that starts the server, if a command serves."""


async def claim(request: Claim) -> None:
    members = request.failover.members if request.failover else 0
    wait = CLAIM_FIRST_PAUSE_SECONDS + members * CLAIM_PAUSE_PER_MEMBER_SECONDS
    seen = _Seen()
    try:
        await _claim(request, seen, wait)
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
    attached = await _attach_to_other(request)
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
                raise _not_served(place.path)
            claimant.waits_for(WaitReason("a new owner"))
        case Busy(record):
            pid = record.pid if record else None
            who = "" if pid is None else f" (pid {pid})"
            if record and record.stopping:
                # The owner is alive and well; only its clients take their time.
                claimant.waits_for(WaitReason(f"the last connections of the previous owner{who} to end"))
            else:
                what = "start" if attached == "no-owner" else "end"
                claimant.waits_for(WaitReason(f"the owner{who} to {what}", pid, record.start if record else None))
    return False


async def _attach_to_other(request: Claim) -> Literal["attached", "no-owner"] | NotAttached:
    """Attaches to an owner that another process started. A claim that can serve does not fail because of its starter."""
    try:
        return await _attach(request)
    except SocketReferenceError as error:
        if request.claimant.server_spec() is None or not is_without_directory(error):
            raise
        return "closed"


async def _attach(
    request: Claim, accept: Callable[[Membership], None] | None = None
) -> Literal["attached", "no-owner"] | NotAttached:
    sock = _connect(request.place)
    if sock is None:
        return "no-owner"
    claimant = request.claimant
    record = _owner_record(request.place)
    pid, began = (record.pid, record.start) if record else (None, None)
    claimant.waits_for(WaitReason("the owner to answer", pid, began))
    start = MembershipStart(
        place=request.place,
        settings=request.settings,
        context=request.context,
        events=request.events,
        references=claimant.references(),
        can_serve=claimant.server_spec() is not None,
        starting=lambda output: claimant.waits_for(WaitReason("the server to become ready", output=output)),
        accept=accept or claimant.accept,
    )
    return await Membership.attach(sock, start) or "attached"


def _connect(place: Place) -> socket.socket | None:
    sock = connect_to_owner(place, f"connect to the owner of {place.path}")
    # There is no owner, or its queue is full; the lock tells which.
    return None if isinstance(sock, str) else sock


def _owner_record(place: Place) -> OwnerRecord | None:
    """What the record says about the owner, for messages only."""
    try:
        return peek_record(place)
    except SocketReferenceError:
        # It would only improve a message. What is wrong with the file is reported when it is locked.
        return None


async def _start_command(request: Claim, server: ServerCommand, seen: _Seen) -> bool:
    """Starts a server through the command line, and attaches to its keeper. The command line is a claimant, too."""
    deaths = request.keeper_deaths
    # A keeper that dies ends its server, too, so the number of its successors is limited like restarts of the server.
    if deaths.in_row > _MAX_KEEPERS_AGAIN:
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
    if await _attach(request, attached.append) != "attached":
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
            raise _not_served(path)
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
            expected=request.failover.dependents if request.failover else 0,
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
        sock = _connect(place)
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


def _not_served(path: str) -> SocketReferenceError:
    return SocketReferenceError(
        "ERR_SOCKREF_NOT_SERVED",
        f"No process serves {path}; pass `serve` to serve it here, or start the program that serves it first",
        path=path,
    )
