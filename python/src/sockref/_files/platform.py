"""What the platform can do."""

from __future__ import annotations

import os
import sys
from typing import Final

from .._protocol.constants import CONTROL_SUFFIX, MAX_SOCKET_PATH_BYTES_LINUX, MAX_SOCKET_PATH_BYTES_MACOS

MAX_SOCKET_PATH_BYTES: Final = {"linux": MAX_SOCKET_PATH_BYTES_LINUX}.get(sys.platform, MAX_SOCKET_PATH_BYTES_MACOS)
"""How many bytes a path in `sockaddr_un` may have, without its terminating zero."""

_OWN_DESCRIPTORS = "/proc/self/fd"

REACHES_THROUGH_DESCRIPTORS: Final = sys.platform == "linux" and os.path.isdir(_OWN_DESCRIPTORS)
"""Whether a path can lead to a file relative to an open directory, as bind() and connect() need it."""

MAX_DATA_PATH_BYTES: Final = MAX_SOCKET_PATH_BYTES - (0 if REACHES_THROUGH_DESCRIPTORS else len(CONTROL_SUFFIX))
"""How many bytes the path of a data socket may have. Where the control socket can only be reached by its full path, that
path must fit too: the system cuts a longer one, and the rest would be the path of the data socket."""


def own_uid() -> int:
    """The user id that the kernel checks our calls against. Read each time, because a daemon may drop its rights."""
    return os.geteuid()


def process_start(pid: int | str = "self") -> str | None:
    """When a process started, in the kernel's ticks. With the pid it distinguishes a process from a later one with that pid."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except OSError:
        # No /proc, or no such process: the start time is unknown.
        return None
    # The name in field 2 may contain spaces and parentheses, so count from its last parenthesis; start is field 22.
    fields = stat[stat.rfind(b")") + 2 :].split(b" ")
    return fields[19].decode("ascii") if len(fields) > 19 else None
