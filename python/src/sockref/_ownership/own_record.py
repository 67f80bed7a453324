"""The record of an owner, as it must read at each moment of its life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .._files.lock_file import LockFile
from .._files.place import SOCKET_KINDS
from .._files.record import Entry, published_entry, stopping_entry
from .._serving.connections import Connections
from .._system_errors import system_error
from .sockets import Sockets


class OwnRecord:
    """What the record must say about the sockets and the end."""

    def __init__(
        self,
        lock: LockFile,
        since: int,
        sockets: Sockets,
        connections: Connections,
        fault: Callable[[BaseException], None],
    ) -> None:
        self._lock: Final = lock
        self._since: Final = since
        self._sockets: Final = sockets
        self._connections: Final = connections
        self._fault: Final = fault
        self._said_stopping = False

    def entries(self) -> list[Entry]:
        """What it must say at this moment, after its header."""
        files = ((self._lock.place.names.socket(kind), self._sockets.file(kind)) for kind in SOCKET_KINDS)
        named = [published_entry(name, file) for name, file in files if file is not None]
        return [*named, *self._sockets.remains.entries]

    def restore(self) -> bool:
        """Writes the record again if another program has changed its length. Returns whether it did."""
        return self._lock.restore_record(self._since, self.entries)

    def say_stopping(self) -> None:
        """Records once that the owner is ending, if its connections drain.

        Only other processes that look at the file need this line: without it they see less, and nothing else goes wrong.
        """
        if self._said_stopping or self._connections.stats.open == 0:
            return
        try:
            self._lock.append(stopping_entry())
            self._said_stopping = True
        except Exception as error:
            path = self._lock.place.path
            self._fault(system_error(error, path, f"write the record of {path}"))
