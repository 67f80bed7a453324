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


# Why there is no answer: no process listens; it had no place for us, not even in its queue; or it heard us and is silent.
_Unanswered = Literal["no-owner", "busy", "silent"]


async def query(place: Place, timeout: float) -> Finding:
    """Asks the owner who holds it; waits for its answer so many seconds. None if there is nothing.

    Raises SocketReferenceError if this process cannot ask, which says nothing of the owner.
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
            # One that we reach although its process is not to be seen lives where we cannot see it.
            return Silent(None if _is_past(record) and not connected else record, connected)
        case LockFile():
            attempt.release()
            return Stale(peek_record(place))


async def ask(place: Place, timeout: float) -> Holders | None:
    """Asks who holds it, over the control socket alone. An owner that is asked looks after its files."""
    asked = await _ask(place, timeout)
    return asked if isinstance(asked, dict) else None


def _is_past(record: OwnerRecord | None) -> bool:
    """A process that takes the lock over from a dead owner first ends and removes what the record names. Until it begins its own,
    the record is not that of the one who holds the lock, and must not be told as that."""
    return record is not None and record.start is not None and process_start(record.pid) != record.start


async def _ask(place: Place, timeout: float) -> Holders | _Unanswered:
    """Asks until there is an answer, since an owner that is busy may have a place for the next question."""
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
        # Dropped for others, or for want of descriptors; or it ends, and is not there when it is asked again.
        return "busy"
    return "silent" if reply == "late" or reply["type"] != "holders" else reply
