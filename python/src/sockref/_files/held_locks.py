"""Locks that this process holds: what exit has to clean up is exactly this."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .._printable import printable
from .leftovers import kill_orphans, reclaim

if TYPE_CHECKING:
    from .lock_file import LockFile

_held: set[LockFile] = set()
"""Each with its descriptor open: a lock itself enters and leaves, in the step in which that is opened or closed."""


def held_from_now(lock: LockFile) -> None:
    """Has the files of a lock removed when the process exits without having let go of it.

    The same code that repairs after a dead owner does it, from the same record, so exit can come at any instant of a
    start or a stop.
    """
    _held.add(lock)


def held_no_more(lock: LockFile) -> None:
    """The descriptor is about to be closed."""
    _held.discard(lock)


def clean_up() -> None:
    """Removes the files of all held locks, now."""
    for lock in list(_held):
        try:
            _clean_up_one(lock)
        except Exception as error:
            # The next owner repairs it from the record. Exit cannot wait, and the other endpoints still have their turn.
            message = printable(f"sockref could not remove the files of {lock.place.path} at exit: {error}")
            os.write(2, f"{message}\n".encode(errors="backslashreplace"))


def forget_all() -> None:
    """In a forked child: they are its parent's."""
    _held.clear()


def _clean_up_one(lock: LockFile) -> None:
    if not lock.is_open():
        # Its number may be another one's by now, with another owner's record behind it: neither read nor close it.
        held_no_more(lock)
        raise RuntimeError(
            "something in this process closed a descriptor that is not its own; the next acquire removes the files"
        )
    try:
        # Whether or not the lock's name still leads to it: what its record names is ours, or a dead owner's.
        record = lock.record()
        kill_orphans(record)
        reclaim(lock, record)
        lock.remove()
    finally:
        lock.release()
