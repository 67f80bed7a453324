"""Removes what a dead owner left, without becoming owner, for the last member."""

from __future__ import annotations

import asyncio

from .._files.leftovers import Reclaimed, end_orphans, reclaim
from .._files.lock_file import LockFile
from .._files.locking import Busy
from .._files.place import Place
from .._protocol.constants import DYING_OWNER_FIRST_PAUSE_SECONDS, DYING_OWNER_LONGEST_PAUSE_SECONDS
from .._system_errors import typed


async def remove_leftovers(place: Place, owner_pid: int) -> None:
    """Does nothing if there is nothing to remove, or if a living process holds the lock.

    `owner_pid` is the owner that was lost. The kernel closes a dying process's descriptors one by one: its connections may
    be gone while it still holds its lock, and then we must wait for its end.
    """
    with typed(place.path, f"remove what the owner of {place.path} left"):
        await _remove_left(place, owner_pid)


async def _remove_left(place: Place, owner_pid: int) -> None:
    since: float | None = None
    pause = DYING_OWNER_FIRST_PAUSE_SECONDS
    while pause <= DYING_OWNER_LONGEST_PAUSE_SECONDS:
        attempt = LockFile.attempt(place, create=False)
        if isinstance(attempt, LockFile):
            await remove_leftovers_under(attempt)
            return
        if not isinstance(attempt, Busy) or attempt.record is None or attempt.record.pid != owner_pid:
            return
        if since is not None and attempt.record.since != since:
            # By now the same process may hold the lock for a later life of the endpoint.
            return
        since = attempt.record.since
        await asyncio.sleep(pause)
        pause *= 2


async def remove_leftovers_under(lock: LockFile) -> Reclaimed:
    """Removes what a dead owner left, with its lock held, and releases the lock."""
    try:
        record = lock.record()
        await end_orphans(record)
        reclaimed = reclaim(lock, record)
        lock.remove()
        return reclaimed
    finally:
        # After a failure the file stays, so that the next owner can clean up from its record.
        lock.release()


def give_lock_back(lock: LockFile) -> None:
    """Releases a lock with which a start has failed.

    First removes what its record names, and its file last. If something cannot be removed, the file stays, so that the next
    owner can clean up from its record. Does nothing if other code closed its descriptor: the number may be another file's.
    """
    if not lock.is_open():
        return
    try:
        reclaim(lock, lock.record())
        lock.remove()
    finally:
        lock.release()
