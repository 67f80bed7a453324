"""What a forked child inherits and must close without sending anything: locks, sockets, directories.

An open-file-description lock belongs to all copies of its descriptor. A child that keeps a copy keeps the lock when its
parent dies. A child that *unlocks* one takes the lock from its parent. So the child only closes.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Protocol


class Inheritable(Protocol):
    """An object with a descriptor, of which a forked child has a copy."""

    def close_in_child(self) -> None:
        """Closes the child's copy, and changes nothing that it shares with the parent."""
        ...


_known: set[Inheritable] = set()


def remember(one: Inheritable) -> None:
    """From now on, forked children close it."""
    _known.add(one)


def forget(one: Inheritable) -> None:
    """It is closed: children need not close it any more."""
    _known.discard(one)


def close_all_in_child() -> None:
    """Closes all copies of the child."""
    while _known:
        one = _known.pop()
        # It was closed a moment ago, which is what we want.
        with contextlib.suppress(OSError):
            one.close_in_child()


def close_copy(sock: socket.socket) -> None:
    """Closes a child's copy of a socket. The object will not close the number again."""
    fd = sock.detach()
    if fd >= 0:
        os.close(fd)
