"""Closes descriptors whatever the system says to it."""

from __future__ import annotations

import errno
import os
from typing import Protocol


def close_anyway(fd: int) -> None:
    """It is closed then all the same: what the system says is about data that could not be written, on which nobody here
    counts. Only a descriptor that was none is a mistake of ours."""
    try:
        os.close(fd)
    except OSError as error:
        if error.errno == errno.EBADF:
            raise


class Closable(Protocol):
    """A socket, or a pipe."""

    def close(self) -> None: ...


def close_object(one: Closable) -> None:
    """The same for an object that has a descriptor."""
    try:
        one.close()
    except OSError as error:
        if error.errno == errno.EBADF:
            raise
