"""What a claim waits for, for messages only. Nothing is decided from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .._files.file_end import OutputPlace
from .._files.locking import Busy, peek_record
from .._files.place import Place
from .._files.record import OwnerRecord
from ..errors import SocketReferenceError


@dataclass(frozen=True, slots=True)
class WaitReason:
    """What a claim is waiting for, for the error when its time is over.

    `pid` holds the lock, and started at `start`, if known. `output` is that of a server that does not become ready.
    """

    waiting_for: str
    pid: int | None = None
    start: str | None = None
    output: OutputPlace | None = None


def owner_to_answer(place: Place) -> WaitReason:
    """The owner that accepted our connection."""
    record = _owner_record(place)
    pid, began = (record.pid, record.start) if record else (None, None)
    return WaitReason("the owner to answer", pid, began)


def held_by(taken: Busy, to: Literal["start", "end"]) -> WaitReason:
    """The owner that holds the lock."""
    record = taken.record
    pid = record.pid if record else None
    who = "" if pid is None else f" (pid {pid})"
    if record and record.stopping:
        # The owner is alive and well; only its clients take their time.
        return WaitReason(f"the last connections of the previous owner{who} to end")
    return WaitReason(f"the owner{who} to {to}", pid, record.start if record else None)


def _owner_record(place: Place) -> OwnerRecord | None:
    """What the record says about the owner, for messages only."""
    try:
        return peek_record(place)
    except SocketReferenceError:
        # It would only improve a message. What is wrong with the file is reported when it is locked.
        return None
