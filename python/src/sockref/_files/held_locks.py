"""The locks that this process holds. The exit cleans up exactly these."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .._printable import printable
from .leftovers import kill_orphans, reclaim

if TYPE_CHECKING:
    from .lock_file import LockFile

_held: set[LockFile] = set()
"""Each has its descriptor open. Only a lock itself enters and leaves, in the step that opens or closes its descriptor."""


def add_held_lock(lock: LockFile) -> None:
    """Adds a lock to the list, so that its files are removed if the process exits without releasing it.

    The exit uses the same code and the same record as the clean-up after a dead owner, so it can come at any moment of a
    start or a stop.
    """
    _held.add(lock)


def remove_held_lock(lock: LockFile) -> None:
    """Removes a lock from the list. Its descriptor is about to be closed."""
    _held.discard(lock)


def clean_up() -> None:
    """Removes the files of all held locks."""
    for lock in list(_held):
        try:
            _clean_up_one(lock)
        except Exception as error:
            # The next owner cleans up from the record. The exit cannot wait, and the other endpoints still need their turn.
            message = printable(f"sockref could not remove the files of {lock.place.path} at exit: {error}")
            os.write(2, f"{message}\n".encode(errors="backslashreplace"))


def forget_all() -> None:
    """Called in a forked child: the locks belong to its parent."""
    _held.clear()


def _clean_up_one(lock: LockFile) -> None:
    if not lock.is_open():
        # By now the descriptor's number may lead to another owner's record: do not read or close it.
        remove_held_lock(lock)
        raise RuntimeError(
            "other code in this process closed a descriptor of sockref; the next acquire removes the files"
        )
    try:
        # Even if the lock's name leads elsewhere: what its record names belongs to us or to a dead owner.
        record = lock.record()
        kill_orphans(record)
        reclaim(lock, record)
        lock.remove()
    finally:
        lock.release()
