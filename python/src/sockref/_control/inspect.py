"""Looks at an endpoint from outside, without taking a reference."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from .._files.lock_file import LockFile
from .._files.locking import Absent, Busy, peek_record
from .._files.place import Place
from .._files.platform import process_start
from .._files.record import OwnerRecord
from .._protocol.constants import ASK_AGAIN_PAUSE_SECONDS
from .._protocol.messages import Holders
from .._system_errors import is_away, system_error
from .to_owner import Closed, ask_owner, connect_to_owner


@dataclass(frozen=True, slots=True)
class Answered:
    """The owner answered with its holders."""

    holders: Holders


@dataclass(frozen=True, slots=True)
class Silent:
    """A process holds the lock: it is starting, ending, or not answering."""

    record: OwnerRecord | None
    connected: bool


@dataclass(frozen=True, slots=True)
class Stale:
    """A dead owner left its files."""

    record: OwnerRecord | None


Finding = Answered | Silent | Stale | None


# Why there is no answer. `no-owner`: no owner listens. `busy`: the owner had no place for the question. `silent`: it accepted
# the question and did not answer.
_Unanswered = Literal["no-owner", "busy", "silent"]


async def query(place: Place, timeout: float) -> Finding:
    """Asks the owner for its holders, without taking a reference. Waits so many seconds. None if there is no such socket.

    Raises SocketReferenceError if this process cannot ask, which says nothing about the owner.
    """
    asked = await _ask(place, timeout)
    if isinstance(asked, dict):
        return Answered(asked)
    connected = asked != "no-owner"
    attempt = LockFile.attempt(place, create=False)
    match attempt:
        case Absent():
            return None
        case Busy(record):
            # An owner that we reach although we cannot see its process lives in another namespace.
            return Silent(None if _is_past(record) and not connected else record, connected)
        case LockFile():
            attempt.release()
            return Stale(peek_record(place))


async def ask(place: Place, timeout: float) -> Holders | None:
    """Asks the owner for its holders, over the control socket alone. The question makes the owner check its files."""
    asked = await _ask(place, timeout)
    return asked if isinstance(asked, dict) else None


def _is_past(record: OwnerRecord | None) -> bool:
    """Whether the record is one of a dead owner. A successor first ends and removes what the record names. Until it begins its
    own record, the file describes the dead owner."""
    return record is not None and record.start is not None and process_start(record.pid) != record.start


async def _ask(place: Place, timeout: float) -> Holders | _Unanswered:
    """Asks until the owner answers: a busy owner may have a place for the next question."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while True:
        asked = await _ask_once(place, deadline)
        if asked != "busy" or loop.time() + ASK_AGAIN_PAUSE_SECONDS > deadline:
            return asked
        await asyncio.sleep(ASK_AGAIN_PAUSE_SECONDS)


async def _ask_once(place: Place, deadline: float) -> Holders | _Unanswered:
    doing = f"ask the owner of {place.path}"
    sock = connect_to_owner(place, doing)
    if isinstance(sock, str):
        return sock
    timeout = max(0.0, deadline - asyncio.get_running_loop().time())
    reply = await ask_owner(sock, {"type": "who"}, lambda _: True, timeout)
    if isinstance(reply, Closed):
        if reply.malformed is not None:
            return "silent"
        if reply.failure is not None and not is_away(reply.failure):
            raise system_error(reply.failure, place.path, doing) from reply.failure
        # The owner dropped us for other connections or for want of descriptors, or it is ending. Ask again.
        return "busy"
    return "silent" if reply == "late" or reply["type"] != "holders" else reply
