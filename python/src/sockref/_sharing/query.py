"""Looks at an endpoint from outside, without taking a reference."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import Any

from .._files.lock import Absent, Busy, EndpointLock, peek_record
from .._files.platform import own_uid, process_start
from .._files.record import OwnerRecord
from .._system_errors import is_away, system_error
from .channel import Channel
from .messages import Holders, MalformedMessage, parse_to_member
from .settings import Place


@dataclass(frozen=True, slots=True)
class Answered:
    """Its owner said who holds it."""

    holders: Holders


@dataclass(frozen=True, slots=True)
class Silent:
    """Someone holds the lock: starting, ending, or not answering."""

    record: OwnerRecord | None
    connected: bool


@dataclass(frozen=True, slots=True)
class Stale:
    """Left by a dead owner."""

    record: OwnerRecord | None


Finding = Answered | Silent | Stale | None


async def query(place: Place, timeout: float, retry: bool = True) -> Finding:
    """Asks the owner who holds it; waits for its answer so many seconds. None if there is nothing."""
    sock = _connect(place)
    if sock is not None:
        holders = await _ask(sock, place.path, timeout)
        if holders is not None:
            return Answered(holders)
    lock = place.names.lock
    attempt = EndpointLock.attempt(place.directory, lock, place.path, create=False)
    match attempt:
        case Absent():
            return None
        case Busy(record):
            connected = sock is not None
            if not _is_past(record):
                return Silent(record, connected)
            # It may have died over our question; or it lives where we cannot see its process, and is as silent once more.
            if connected and retry:
                return await query(place, timeout, retry=False)
            return Silent(record if connected else None, connected)
        case EndpointLock():
            attempt.release()
            return Stale(peek_record(place.directory, lock, place.path))


def _is_past(record: OwnerRecord | None) -> bool:
    """Whoever took the lock over from a dead owner first ends and removes what the record names. Until it begins its own,
    the record is not that of the one who holds the lock, and must not be told as that."""
    return record is not None and record.start is not None and process_start(record.pid) != record.start


def _connect(place: Place) -> socket.socket | None:
    found = place.directory.look(place.names.control)
    if found is None or not found.is_socket or found.uid != own_uid():
        return None
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.connect(place.directory.address(place.names.control))
    except OSError as error:
        sock.close()
        # Nobody listens there; the lock tells why.
        if is_away(error):
            return None
        # A failure of our own says nothing about the owner.
        raise system_error(error, place.path, f"ask the owner of {place.path}", "connect") from error
    return sock


async def _ask(sock: socket.socket, path: str, timeout: float) -> Holders | None:
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[Holders | None] = loop.create_future()
    channel = Channel(loop, sock, _Asking(answered))
    timer = loop.call_later(timeout, _answer, answered, None)
    channel.send({"type": "who"})
    try:
        holders = await answered
        failure = channel.failure
        if holders is None and failure is not None and not is_away(failure):
            raise system_error(failure, path, f"ask the owner of {path}") from failure
        return holders
    finally:
        timer.cancel()
        channel.destroy()


class _Asking:
    def __init__(self, answered: asyncio.Future[Holders | None]) -> None:
        self._answered = answered

    def received(self, line: str) -> None:
        message = parse_to_member(line)
        _answer(self._answered, message if message["type"] == "holders" else None)

    def refuse(self, malformed: MalformedMessage) -> dict[str, Any] | None:
        return None

    def closed(self, malformed: MalformedMessage | None) -> None:
        _answer(self._answered, None)


def _answer(answered: asyncio.Future[Holders | None], holders: Holders | None) -> None:
    if not answered.done():
        answered.set_result(holders)
