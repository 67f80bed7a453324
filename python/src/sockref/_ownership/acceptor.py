"""Accepts connections at a listening socket."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Final

from .._files.close import close_object
from .._files.inherited import close_copy, forget, remember
from .._system_errors import system_error

_AT_ONCE = 64
"""How many connections are accepted in one turn of the event loop: other work needs its turn, too."""

_PAUSE = 0.1
"""Seconds until the next attempt when there are no descriptors left."""

_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Acceptor:
    """Passes on accepted connections until it is closed.

    `make_room` closes some connections if another one could not be accepted for want of descriptors. Returns whether it did.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket,
        accepted: Callable[[socket.socket], None],
        fault: Callable[[BaseException], None],
        make_room: Callable[[], bool],
    ) -> None:
        self._loop: Final = loop
        self._listener: Final = listener
        self._accepted: Final = accepted
        self._fault: Final = fault
        self._make_room: Final = make_room
        self._resume: asyncio.TimerHandle | None = None
        self._open = True
        remember(self)
        loop.add_reader(listener, self._accept)

    def close(self, drain: bool = False) -> None:
        """Stops listening. `drain` first accepts the clients in the queue, because no other process will. Idempotent."""
        if not self._open:
            return
        while drain and self._accept():
            pass
        self._open = False
        if self._resume is not None:
            self._resume.cancel()
        self._loop.remove_reader(self._listener)
        forget(self)
        close_object(self._listener)

    def close_in_child(self) -> None:
        close_copy(self._listener)

    def _accept(self) -> bool:
        """Whether there may be more connections."""
        for _ in range(_AT_ONCE):
            try:
                sock, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return False
            except OSError as error:
                if error.errno in _EXHAUSTED and self._make_room():
                    continue
                self._fault(system_error(error, None, "accept a connection", "accept"))
                if error.errno in _EXHAUSTED and self._open:
                    # The event loop would report the socket as readable again and again.
                    self._loop.remove_reader(self._listener)
                    self._resume = self._loop.call_later(_PAUSE, self._again)
                return False
            self._accepted(sock)
        return True

    def _again(self) -> None:
        self._resume = None
        self._loop.add_reader(self._listener, self._accept)
