"""Looks at an endpoint from outside, without taking a reference."""

from __future__ import annotations

import asyncio
import errno
import socket
from dataclasses import dataclass
from typing import Any, Literal

from .._files.close import close_object
from .._files.lock import Absent, Busy, EndpointLock, peek_record
from .._files.place import Place
from .._files.platform import own_uid, process_start
from .._files.record import OwnerRecord
from .._protocol.constants import ASK_AGAIN_PAUSE_SECONDS
from .._protocol.messages import Holders
from .._system_errors import is_away, system_error
from .channel import Channel
from .messages import MalformedMessage, parse_to_member


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


# Why there is no answer: nobody listens; it had no place for us, be it in its queue; it has heard us, and does not answer.
_Unanswered = Literal["nobody", "busy", "silent"]


async def query(place: Place, timeout: float) -> Finding:
    """Asks the owner who holds it; waits for its answer so many seconds. None if there is nothing.

    Raises SocketReferenceError if this process cannot ask, which says nothing of the owner.
    """
    asked = await _ask(place, timeout)
    if isinstance(asked, dict):
        return Answered(asked)
    connected = asked != "nobody"
    lock = place.names.lock
    attempt = EndpointLock.attempt(place.directory, lock, place.path, create=False)
    match attempt:
        case Absent():
            return None
        case Busy(record):
            # One that we reach although its process is not to be seen lives where we cannot see it.
            return Silent(None if _is_past(record) and not connected else record, connected)
        case EndpointLock():
            attempt.release()
            return Stale(peek_record(place.directory, lock, place.path))


async def ask(place: Place, timeout: float) -> Holders | None:
    """Asks who holds it, over the control socket alone. An owner that is asked looks after its files."""
    asked = await _ask(place, timeout)
    return asked if isinstance(asked, dict) else None


def _is_past(record: OwnerRecord | None) -> bool:
    """Whoever took the lock over from a dead owner first ends and removes what the record names. Until it begins its own,
    the record is not that of the one who holds the lock, and must not be told as that."""
    return record is not None and record.start is not None and process_start(record.pid) != record.start


async def _ask(place: Place, timeout: float) -> Holders | _Unanswered:
    """Asks until there is an answer, since an owner that is busy may have a place for the next question."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while True:
        sock = connect_control(place)
        asked = sock if isinstance(sock, str) else await _ask_once(sock, place.path, max(0.0, deadline - loop.time()))
        if asked != "busy" or loop.time() + ASK_AGAIN_PAUSE_SECONDS > deadline:
            return asked
        await asyncio.sleep(ASK_AGAIN_PAUSE_SECONDS)


def connect_control(place: Place) -> socket.socket | Literal["nobody", "busy"]:
    """A connection to the control socket of this user's owner; or that nobody listens there, or has no place for us now."""
    found = place.directory.look(place.names.control)
    if found is None or not found.is_socket or found.uid != own_uid():
        return "nobody"
    sock: socket.socket | None = None
    try:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.connect(place.directory.address(place.names.control))
    except OSError as error:
        if sock is not None:
            close_object(sock)
        # More knock than its queue takes.
        if error.errno == errno.EAGAIN:
            return "busy"
        # Nobody listens there; the lock tells why.
        if is_away(error):
            return "nobody"
        # A failure of our own says nothing about the owner.
        raise system_error(error, place.path, f"ask the owner of {place.path}", "connect") from error
    return sock


async def _ask_once(sock: socket.socket, path: str, timeout: float) -> Holders | _Unanswered:
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[Holders | _Unanswered] = loop.create_future()
    channel = Channel(loop, sock, _Asking(answered))
    timer = loop.call_later(timeout, _answer, answered, "silent")
    channel.send({"type": "who"})
    try:
        asked = await answered
        failure = channel.failure
        if asked == "busy" and failure is not None and not is_away(failure):
            raise system_error(failure, path, f"ask the owner of {path}") from failure
        return asked
    finally:
        timer.cancel()
        channel.destroy()


class _Asking:
    def __init__(self, answered: asyncio.Future[Holders | _Unanswered]) -> None:
        self._answered = answered

    def received(self, line: str) -> None:
        message = parse_to_member(line)
        _answer(self._answered, message if message["type"] == "holders" else "silent")

    def refuse(self, malformed: MalformedMessage) -> dict[str, Any] | None:
        return None

    def closed(self, malformed: MalformedMessage | None) -> None:
        # Dropped for others, or for want of descriptors; or it ends, and is not there when it is asked again.
        _answer(self._answered, "busy" if malformed is None else "silent")


def _answer(answered: asyncio.Future[Holders | _Unanswered], answer: Holders | _Unanswered) -> None:
    if not answered.done():
        answered.set_result(answer)
