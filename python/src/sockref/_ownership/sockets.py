"""The published sockets of an owner: their listeners and their files."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from .._files.each import take_each
from .._files.identity import Identity
from .._files.lock_file import LockFile
from .._files.place import SocketKind
from .._files.publish import Publication, publish
from .._files.remains import Remains
from .._files.remove import unlink_if_same
from .._protocol.constants import CONTROL_MODE
from .._system_errors import system_error
from .acceptor import Acceptor


class Sockets:
    """Publishes them, for the first time or in place of lost files."""

    def __init__(
        self,
        lock: LockFile,
        mode: int,
        loop: asyncio.AbstractEventLoop,
        accept: dict[SocketKind, Callable[[socket.socket], None]],
        make_room: Callable[[], bool],
        fault: Callable[[BaseException], None],
    ) -> None:
        self._lock: Final = lock
        self._place: Final = lock.place
        self._modes: Final[dict[SocketKind, int]] = {"control": CONTROL_MODE, "data": mode}
        self._loop: Final = loop
        self._accept: Final = accept
        self._make_room: Final = make_room
        self._fault: Final = fault
        self._acceptors: dict[SocketKind, Acceptor] = {}
        self._files: dict[SocketKind, Identity] = {}
        self.published: Final[list[Identity]] = []
        """Every file that was ever published; a later claim recognises them as ours."""
        path = lock.place.path
        doing = f"remove a private directory of {path}"
        self.remains: Final = Remains(lambda error: fault(system_error(error, path, doing)))
        """What publishing left behind and could not remove."""

    def mode_of(self, kind: SocketKind) -> int:
        """The mode that a socket must have."""
        return self._modes[kind]

    def file(self, kind: SocketKind) -> Identity | None:
        """The file of a socket, if it was published."""
        return self._files.get(kind)

    def publish(self, kinds: Sequence[SocketKind], *, begin: bool = False) -> None:
        """`begin`: this process begins its record with it."""
        place = self._place
        wanted = [Publication(place.names.socket(kind), self._modes[kind]) for kind in kinds]
        published = publish(self._lock, wanted, self.remains, begin=begin)
        for kind, (listener, file) in zip(kinds, published, strict=True):
            old = self._acceptors.get(kind)
            if old is not None:
                old.close(drain=True)
            self._acceptors[kind] = Acceptor(self._loop, listener, self._accept[kind], self._fault, self._make_room)
            self._files[kind] = file
            self.published.append(file)

    def unlink(self) -> None:
        """Removes the names that still lead to the published files.

        That needs no lock, because we made the files (I2), and no other process would know them as a deposed owner's. If one
        cannot be removed, the others still are.
        """
        errors = take_each(partial(self._unlink, "data"), partial(self._unlink, "control"))
        if errors:
            raise errors[0]

    def _unlink(self, kind: SocketKind) -> None:
        file = self._files.get(kind)
        if file is not None:
            unlink_if_same(self._place.directory, self._place.names.socket(kind), file)

    def close(self) -> None:
        """Stops accepting. Open connections continue. Idempotent."""
        for acceptor in self._acceptors.values():
            acceptor.close()
