"""Closes descriptors, and ignores what the system reports."""

from __future__ import annotations

import errno
import os
from typing import Protocol


def close_anyway(fd: int) -> None:
    """The descriptor is closed in any case, and the report is about unwritten data, on which no caller relies. Only EBADF, an
    invalid descriptor, is a mistake of ours."""
    try:
        os.close(fd)
    except OSError as error:
        if error.errno == errno.EBADF:
            raise


class Closable(Protocol):
    """Closes a socket or a pipe."""

    def close(self) -> None: ...


def close_object(one: Closable) -> None:
    """Closes an object that has a descriptor."""
    try:
        one.close()
    except OSError as error:
        if error.errno == errno.EBADF:
            raise
