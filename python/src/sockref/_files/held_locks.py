"""Locks that this process holds: what exit has to clean up is exactly this."""

from __future__ import annotations

import os

from .lock import EndpointLock
from .processes import kill_orphans
from .reclaim import reclaim
from .record import read_record

_held: dict[EndpointLock, str] = {}


def clean_up_at_exit(lock: EndpointLock, path: str) -> None:
    """Has the files of a held lock removed when the process exits without having let go of it.

    The same code that repairs after a dead owner does it, from the same record, so exit can come at any instant of a
    start or a stop.
    """
    _held[lock] = path


def cleaned_up(lock: EndpointLock) -> None:
    """The lock was let go of in the ordinary way."""
    _held.pop(lock, None)


def clean_up() -> None:
    """Removes the files of all held locks, now."""
    while _held:
        lock, path = _held.popitem()
        try:
            # Whether or not the lock's name still leads to it: what its record names is ours, or a dead owner's.
            record = read_record(lock.fd)
            kill_orphans(record)
            reclaim(lock, path, record)
            lock.remove()
        except Exception as error:
            # The next owner repairs it from the record. Exit cannot wait, and the other endpoints still have their turn.
            os.write(2, f"sockref could not remove the files of {path} at exit: {error}\n".encode())


def forget_all() -> None:
    """In a forked child: they are its parent's."""
    _held.clear()
