"""Looks after the files of a live owner: temp cleaners remove sockets of live servers."""

from __future__ import annotations

import asyncio
import random
from typing import Final, Protocol

from .._files.foreign import foreign_file
from .._files.identity import Identity
from .._files.lock import EndpointLock
from .._files.paths import join_path
from .._files.reclaim import reclaim
from .._files.record import begin_record, published_entry, read_record
from .._system_errors import system_error
from .lease import Surroundings
from .names import SocketKind
from .settings import Place
from .sockets import Sockets

_KINDS: Final[tuple[SocketKind, ...]] = ("control", "data")

_SPREAD = 0.2
"""How far the intervals of many owners in one process spread, so that they do not all look in the same moment."""


class HealerOwner(Protocol):
    """What the healer asks of its owner."""

    @property
    def lock(self) -> EndpointLock: ...

    @property
    def sockets(self) -> Sockets: ...

    def relocked(self, lock: EndpointLock) -> None: ...

    def deposed(self) -> None: ...

    def displaced(self) -> None: ...


class Healer:
    """What is missing is published again; a lock file that someone replaced means that there is another owner now."""

    def __init__(self, place: Place, surroundings: Surroundings, interval: float, owner: HealerOwner) -> None:
        self._place: Final = place
        self._surroundings: Final = surroundings
        self._interval: Final = interval
        self._owner: Final = owner
        # The foreign file in each place that was complained of: once, not every few seconds.
        self._complained: dict[SocketKind, Identity] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def start(self) -> None:
        """Looks from time to time."""
        if self._stopped:
            return
        wait = self._interval * (1 - _SPREAD / 2 + random.random() * _SPREAD)
        self._timer = self._surroundings.loop.call_later(wait, self._again)

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
            self._surroundings.hooks.fault(path, system_error(error, path, f"look after the files of {path}"))

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
        missing: list[SocketKind] = [kind for kind in _KINDS if self._is_missing(kind)]
        if missing:
            owner.sockets.publish(owner.lock, missing)
            healed.extend(names.socket(kind) for kind in missing)
        if healed:
            self._surroundings.hooks.healed(self._place.path, healed)

    def _is_owner(self) -> bool:
        """Whether nobody else is owner by now. A lock file that is merely gone is made anew."""
        state = self._owner.lock.check()
        return state == "linked" or (state == "missing" and self._relock())

    def _relock(self) -> bool:
        """A new lock file in place of the one that was removed; False if someone was quicker."""
        place = self._place
        lock = EndpointLock.attempt(place.directory, place.names.lock, place.path, create=True)
        if not isinstance(lock, EndpointLock):
            return False
        try:
            # Someone may have been owner in between, and be dead already.
            reclaim(lock, place.path, read_record(lock.fd))
            files = ((place.names.socket(kind), self._owner.sockets.file(kind)) for kind in _KINDS)
            begin_record(lock.fd, *(published_entry(name, file) for name, file in files if file is not None))
        except BaseException:
            lock.release()
            raise
        self._owner.relocked(lock)
        return True

    def _is_missing(self, kind: SocketKind) -> bool:
        directory, path = self._place.directory, self._place.path
        name = self._place.names.socket(kind)
        found = directory.look(name)
        if found is None:
            return True
        for known in (self._owner.sockets.file(kind), self._complained.get(kind)):
            if known is not None and known.is_same(found.identity):
                return False
        self._complained[kind] = found.identity
        # I2: what is not ours is not replaced, not even in our own place.
        self._surroundings.hooks.fault(path, foreign_file(path, join_path(directory.path, name), found))
        return False
