"""What the platform can do."""

from __future__ import annotations

import os
import sys
from typing import Final

from .._protocol.constants import CONTROL_SUFFIX, MAX_SOCKET_PATH_BYTES_LINUX, MAX_SOCKET_PATH_BYTES_MACOS

MAX_SOCKET_PATH_BYTES: Final = {"linux": MAX_SOCKET_PATH_BYTES_LINUX}.get(sys.platform, MAX_SOCKET_PATH_BYTES_MACOS)
"""Bytes that a path in `sockaddr_un` may have, without its terminating zero."""

_OWN_DESCRIPTORS = "/proc/self/fd"

REACHES_THROUGH_DESCRIPTORS: Final = sys.platform == "linux" and os.path.isdir(_OWN_DESCRIPTORS)
"""Whether a file can be reached relative to an open directory by a path, as bind() and connect() need it."""

MAX_DATA_PATH_BYTES: Final = MAX_SOCKET_PATH_BYTES - (0 if REACHES_THROUGH_DESCRIPTORS else len(CONTROL_SUFFIX))
"""Bytes that the path of a data socket may have. Where the control socket beside it can only be reached by its own full
path, that must fit too: the system cuts off what does not, and what is left would be the path of the data socket."""


def own_uid() -> int:
    """The user that the kernel checks our calls against. Asked each time: a daemon may give up its rights."""
    return os.geteuid()


def process_start(pid: int | str = "self") -> str | None:
    """When a process began, in the kernel's own ticks: with its pid it tells a process from a later one of that number."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except OSError:
        # No /proc, or no such process: both mean that it cannot be said.
        return None
    # The name in field 2 may hold spaces and parentheses, so count from behind its last one; start is field 22.
    fields = stat[stat.rfind(b")") + 2 :].split(b" ")
    return fields[19].decode("ascii") if len(fields) > 19 else None
