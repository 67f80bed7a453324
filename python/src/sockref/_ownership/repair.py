"""Repairs the files of a live owner. Temp cleaners remove sockets of live servers, and other programs change modes."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Final, Protocol

from .._files.foreign import foreign_file
from .._files.identity import Found, Identity
from .._files.lock_file import LockFile
from .._files.mode import restore_mode
from .._files.paths import join_path
from .._files.place import SOCKET_KINDS, Place, SocketKind
from .._protocol.constants import HEAL_INTERVAL_SPREAD
from .._system_errors import system_error
from .lease import Context
from .own_record import OwnRecord
from .reasons import mode_changed, record_changed
from .sockets import Sockets


class RepairedOwner(Protocol):
    """What the repair needs from its owner."""

    @property
    def lock(self) -> LockFile: ...

    @property
    def sockets(self) -> Sockets: ...

    @property
    def record(self) -> OwnRecord: ...

    def deposed(self) -> None: ...

    def displaced(self) -> None: ...


class Repairer:
    """Publishes missing files again. A replaced lock file means that there is another owner now."""

    def __init__(self, context: Context, interval: float, owner: RepairedOwner) -> None:
        self._place: Final[Place] = owner.lock.place
        self._context: Final = context
        self._interval: Final = interval
        self._owner: Final = owner
        # The foreign file in each place that was reported: it is reported once, not every few seconds.
        self._complained: dict[SocketKind, Identity] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def start(self) -> None:
        """Checks the files regularly."""
        if self._stopped:
            return
        wait = self._interval * (1 - HEAL_INTERVAL_SPREAD / 2 + random.random() * HEAL_INTERVAL_SPREAD)
        self._timer = self._context.loop.call_later(wait, self._again)

    def stop(self) -> None:
        """Stops the regular checks."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def check(self) -> None:
        """Checks the files now. Never raises: what cannot be repaired is reported, and tried again next time."""
        if self._stopped:
            return
        try:
            self._check()
        except Exception as error:
            self._failed(error)

    def _again(self) -> None:
        self.check()
        self.start()

    def _check(self) -> None:
        owner, names = self._owner, self._place.names
        if not self._place.directory.is_in_place():
            owner.displaced()
            return
        repaired: list[str] = []
        found = owner.lock.check()
        if found == "missing" and self._retake():
            repaired.append(names.lock)
        elif found != "linked":
            owner.deposed()
            return
        # Each step alone: a failure must not keep the others from being done.
        self._attempt(self._keep_lock_mode)
        self._attempt(self._keep_record)
        # A failure was reported before; the end reports it again if the files are still there.
        with contextlib.suppress(OSError):
            owner.sockets.remains.remove(self._place.directory)
        try:
            repaired.extend(self._repair_sockets())
        finally:
            if repaired:
                self._context.hooks.healed(self._place.path, repaired)

    def _repair_sockets(self) -> list[str]:
        owner, names = self._owner, self._place.names
        missing: list[SocketKind] = [kind for kind in SOCKET_KINDS if self._is_missing(kind)]
        if missing:
            owner.sockets.publish(missing)
        return [names.socket(kind) for kind in missing]

    def _attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        path = self._place.path
        self._context.hooks.fault(path, system_error(error, path, f"check the files of {path}"))

    def _retake(self) -> bool:
        """Makes a new lock file in place of the removed one. Returns False if another process was faster."""
        return self._owner.lock.retake(self._owner.record.entries, self._failed)

    def _keep_lock_mode(self) -> None:
        restored = self._owner.lock.restore_mode()
        if restored is not None:
            self._mode_changed(self._place.names.lock, *restored)

    def _keep_record(self) -> None:
        if self._owner.record.restore():
            path, name = self._place.path, self._place.names.lock
            self._context.hooks.fault(path, record_changed(join_path(self._place.directory.path, name)))

    def _keep_mode(self, kind: SocketKind, found: Found) -> None:
        """Restores a mode that another program changed (I6)."""
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
        # I2: a foreign file is not replaced, not even at our own path.
        self._context.hooks.fault(path, foreign_file(path, join_path(directory.path, name), found))
        return False
