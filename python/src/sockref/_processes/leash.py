"""The leash: a socket that only the processes of a server have open. It leads to those that left the group."""

from __future__ import annotations

import os

from .._protocol.constants import SERVER_MARK


def _read_boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="latin-1") as file:
            return file.read().strip()
    except OSError:
        return ""


_BOOT = _read_boot()
"""Socket numbers, pids and start times start again at each boot. A server in a record of an earlier boot does not exist any
more."""


def is_of_this_boot(leash: str) -> bool:
    """Whether a leash, `socket:[<number>]@<boot>`, was made during this boot of the machine."""
    return leash.endswith(f"]@{_BOOT}")


def holds_leash(pid: int, leash: str) -> bool:
    """Whether a process has the socket open; False if we are not permitted to look."""
    socket = leash.rpartition("@")[0]
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        # The process is gone or belongs to another user. Without /proc there are no leashes.
        return False
    return any(_target(pid, fd) == socket for fd in descriptors)


def bears_mark(pid: int, pgid: int) -> bool:
    """Whether a process was started with the mark of a server, which all processes that the server starts inherit."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return f"\0{SERVER_MARK}={pgid}\0".encode() in b"\0" + file.read()
    except OSError:
        return False


def _target(pid: int, fd: str) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/fd/{fd}")
    except OSError:
        return None
