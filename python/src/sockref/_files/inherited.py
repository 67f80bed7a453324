"""What a forked child inherits, and has to close without a word: locks, sockets, directories.

An open-file-description lock belongs to all copies of its descriptor: a child that keeps one keeps the lock when its
parent dies, and a child that *unlocks* one takes the lock from its parent. So it only closes.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Protocol


class Inheritable(Protocol):
    """Something with a descriptor that a forked child has a copy of."""

    def close_in_child(self) -> None:
        """Closes the child's copy, and touches nothing that it shares with the parent."""
        ...


_known: set[Inheritable] = set()


def remember(one: Inheritable) -> None:
    """Has it closed in children."""
    _known.add(one)


def forget(one: Inheritable) -> None:
    """It is closed."""
    _known.discard(one)


def close_all_in_child() -> None:
    """Closes the child's copies of everything."""
    while _known:
        one = _known.pop()
        # What was closed a moment ago is what we want.
        with contextlib.suppress(OSError):
            one.close_in_child()


def close_copy(sock: socket.socket) -> None:
    """Closes a child's copy of a socket, and leaves an object that will not close the number once more."""
    fd = sock.detach()
    if fd >= 0:
        os.close(fd)
