"""Looks after the files of a live owner: temp cleaners remove sockets of live servers, and modes are changed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import Callable
from typing import Final, Protocol

from .._files.foreign import foreign_file
from .._files.identity import Found, Identity
from .._files.leftovers import kill_orphans, reclaim
from .._files.lock import EndpointLock
from .._files.mode import restore_mode
from .._files.paths import join_path
from .._files.place import Place, SocketKind
from .._files.record import begin_record, published_entry, read_record
from .._protocol.constants import HEAL_INTERVAL_SPREAD, LOCK_MODE
from .._system_errors import system_error
from .lease import Context
from .reasons import mode_changed
from .sockets import Sockets

_KINDS: Final[tuple[SocketKind, ...]] = ("control", "data")


class RepairedOwner(Protocol):
    """What the healer asks of its owner."""

    @property
    def lock(self) -> EndpointLock: ...

    @property
    def sockets(self) -> Sockets: ...

    def relocked(self, lock: EndpointLock) -> None: ...

    def deposed(self) -> None: ...

    def displaced(self) -> None: ...


class Repairer:
    """What is missing is published again; a lock file that someone replaced means that there is another owner now."""

    def __init__(self, place: Place, context: Context, interval: float, owner: RepairedOwner) -> None:
        self._place: Final = place
        self._context: Final = context
        self._interval: Final = interval
        self._owner: Final = owner
        # The foreign file in each place that was complained of: once, not every few seconds.
        self._complained: dict[SocketKind, Identity] = {}
        # The lock file of a repair that failed, and could not be taken back: no rival's.
        self._unfinished: Identity | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def start(self) -> None:
        """Looks from time to time."""
        if self._stopped:
            return
        wait = self._interval * (1 - HEAL_INTERVAL_SPREAD / 2 + random.random() * HEAL_INTERVAL_SPREAD)
        self._timer = self._context.loop.call_later(wait, self._again)

    def stop(self) -> None:
        """Looks no more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def check(self) -> None:
        """Looks now. Never raises: what cannot be repaired is reported, and tried again next time."""
        if self._stopped:
            return
        try:
            self._check()
        except Exception as error:
            path = self._place.path
            self._context.hooks.fault(path, system_error(error, path, f"look after the files of {path}"))

    def _again(self) -> None:
        self.check()
        self.start()

    def _check(self) -> None:
        owner, names = self._owner, self._place.names
        if not self._place.directory.is_in_place():
            owner.displaced()
            return
        healed: list[str] = []
        before = owner.lock
        if not self._is_owner():
            owner.deposed()
            return
        if owner.lock is not before:
            healed.append(names.lock)
        # Each for itself: what fails now must not keep the rest from being looked after.
        self._attempt(self._keep_lock_mode)
        # Told when it was left; the end tells if it still is there.
        with contextlib.suppress(OSError):
            owner.sockets.remains.remove(self._place.directory)
        try:
            healed.extend(self._repair_sockets())
        finally:
            if healed:
                self._context.hooks.healed(self._place.path, healed)

    def _repair_sockets(self) -> list[str]:
        owner, names = self._owner, self._place.names
        missing: list[SocketKind] = [kind for kind in _KINDS if self._is_missing(kind)]
        if missing:
            owner.sockets.publish(owner.lock, missing)
        return [names.socket(kind) for kind in missing]

    def _attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:
            path = self._place.path
            self._context.hooks.fault(path, system_error(error, path, f"look after the files of {path}"))

    def _is_owner(self) -> bool:
        """Whether nobody else is owner by now. A lock file that is merely gone is made anew."""
        state = self._owner.lock.check()
        if state == "linked":
            return True
        return (state == "missing" or self._is_unfinished()) and self._relock()

    def _is_unfinished(self) -> bool:
        """Whether what lies in the place of the lock file is what a repair of ours could not finish."""
        if self._unfinished is None:
            return False
        found = self._place.directory.look(self._place.names.lock)
        return found is not None and found.identity.is_same(self._unfinished)

    def _relock(self) -> bool:
        """A new lock file in place of the one that was removed; False if someone was quicker."""
        place = self._place
        lock = EndpointLock.attempt(place.directory, place.names.lock, place.path, create=True)
        if not isinstance(lock, EndpointLock):
            return False
        self._unfinished = lock.identity
        reclaimed = False
        try:
            # Someone may have been owner in between, and be dead already.
            record = read_record(lock.fd)
            kill_orphans(record)
            reclaim(lock, place.path, record)
            reclaimed = True
            sockets = self._owner.sockets
            files = ((place.names.socket(kind), sockets.file(kind)) for kind in _KINDS)
            named = (published_entry(name, file) for name, file in files if file is not None)
            begin_record(lock.fd, *named, *sockets.remains.entries)
        except BaseException:
            # Until the next look the old lock goes on to be ours. An empty file would only invite others; a record that
            # names what a dead owner left is needed.
            if reclaimed:
                self._attempt(lock.remove)
            lock.release()
            raise
        self._unfinished = None
        self._owner.relocked(lock)
        return True

    def _keep_lock_mode(self) -> None:
        fd = self._owner.lock.fd
        mode = os.fstat(fd).st_mode & 0o7777
        if mode != LOCK_MODE:
            os.fchmod(fd, LOCK_MODE)
            self._mode_changed(self._place.names.lock, mode, LOCK_MODE)

    def _keep_mode(self, kind: SocketKind, found: Found) -> None:
        """What somebody has given to others is taken back (I6)."""
        name, wanted = self._place.names.socket(kind), self._owner.sockets.mode_of(kind)
        if found.mode != wanted:
            restore_mode(self._place.directory, name, found.identity, wanted)
            self._mode_changed(name, found.mode, wanted)

    def _mode_changed(self, name: str, mode: int, wanted: int) -> None:
        path = self._place.path
        self._context.hooks.fault(path, mode_changed(join_path(self._place.directory.path, name), mode, wanted))

    def _is_missing(self, kind: SocketKind) -> bool:
        directory, path = self._place.directory, self._place.path
        name = self._place.names.socket(kind)
        found = directory.look(name)
        if found is None:
            return True
        published = self._owner.sockets.file(kind)
        if published is not None and published.is_same(found.identity):
            self._attempt(lambda: self._keep_mode(kind, found))
            return False
        complained = self._complained.get(kind)
        if complained is not None and complained.is_same(found.identity):
            return False
        self._complained[kind] = found.identity
        # I2: what is not ours is not replaced, not even in our own place.
        self._context.hooks.fault(path, foreign_file(path, join_path(directory.path, name), found))
        return False
